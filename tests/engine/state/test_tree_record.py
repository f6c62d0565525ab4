"""What a power cut tore is noticed at the first use after the boot that follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.oci.unpacked import ensure_layer
from cnbkit_engine.state import tree_record
from cnbkit_engine.state.locks import made_once
from cnbkit_engine.state.tree_record import differs_from_record, is_sound

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cnbkit_engine.state.home import Home

    from ..conftest import MakeImage, MakeTar


@pytest.fixture
def boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Says which boot this is."""
    file = tmp_path / "boot_id"

    def start(name: str) -> None:
        file.write_text(name)

    start("first")
    monkeypatch.setattr(tree_record, "_BOOT", file)
    return start


def make(folder: Path) -> None:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "tool").write_text("tool")
    (folder / "link").symlink_to("bin/tool")


def test_a_torn_file_is_noticed_after_a_boot_and_the_folder_made_again(
    tmp_path: Path, boot: Callable[[str], None]
) -> None:
    made = made_once(tmp_path / "made", make)
    (made / "bin" / "tool").write_text("")
    boot("second")
    assert made_once(tmp_path / "made", make) == made
    assert (made / "bin" / "tool").read_text() == "tool"
    assert differs_from_record(made) == ""


def test_a_whole_folder_is_compared_once_a_boot(
    tmp_path: Path, boot: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = made_once(tmp_path / "made", make)
    compared: list[Path] = []

    def compare(folder: Path) -> str:
        compared.append(folder)
        return ""

    monkeypatch.setattr(tree_record, "differs_from_record", compare)
    assert is_sound(made)
    boot("second")
    assert is_sound(made)
    assert is_sound(made)
    assert compared == [made]


def test_a_folder_without_a_record_is_taken_as_it_is(tmp_path: Path) -> None:
    make(tmp_path / "old")
    assert is_sound(tmp_path / "old")


def test_a_torn_unpacked_layer_is_unpacked_again(
    home: Home, make_image: MakeImage, make_tar: MakeTar, boot: Callable[[str], None]
) -> None:
    make_image("demo", [make_tar({"file": b"content"})])
    store = ImageStore(home.images)
    (layer,) = Image.from_store(store, "demo").layers
    place = ensure_layer(home, store, layer)
    (place / "file").write_bytes(b"")
    assert ensure_layer(home, store, layer) == place
    assert (place / "file").read_bytes() == b"", "in the same boot memory is right"
    boot("second")
    assert ensure_layer(home, store, layer) == place
    assert (place / "file").read_bytes() == b"content"

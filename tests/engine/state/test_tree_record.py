"""What a power cut tore, or somebody has emptied, is noticed at the next use, and made again."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit_engine.build.prune import prune
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.oci.unpacked import ensure_layer
from cnbkit_engine.state import tree_record
from cnbkit_engine.state.discard import discarded
from cnbkit_engine.state.locks import Held, is_made, made_once
from cnbkit_engine.state.tree_record import damaged, differs_from_record, is_sound
from cnbkit_engine.state.workspace import remove_tree

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


def grown(folder: Path) -> None:
    """Something with folders, as base images and buildpacks have."""
    for name in ("bin", "usr/lib/python", "usr/share/doc"):
        (folder / name).mkdir(parents=True)
        (folder / name / "file").write_text(name)
    (folder / "tool").write_text("tool")


@pytest.mark.parametrize("name", ["", "bin/file", "tool", "usr", "usr/lib", "usr/share/doc/file"])
def test_what_somebody_has_taken_from_it_is_noticed_at_once(
    tmp_path: Path, boot: Callable[[str], None], name: str
) -> None:
    del boot  # the same one
    made = made_once(tmp_path / "made", grown)
    os.utime(made, (5, 5))
    for each in [made / name] if name else list(made.iterdir()):
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    os.utime(made)  # as a use does
    assert not is_made(made)
    assert made_once(made, grown) == made
    assert (made / (name or "bin")).exists()
    assert is_made(made)


def test_a_removal_that_is_stopped_at_any_step_is_noticed(tmp_path: Path) -> None:
    steps = 0
    os_unlink = os.unlink
    while True:
        made = made_once(tmp_path / "made", grown)
        left = [steps]

        def unlink(path: str, *arguments: Any, left: list[int] = left, **options: Any) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            os_unlink(path, *arguments, **options)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("os.unlink", unlink)
            try:
                remove_tree(made)
            except KeyboardInterrupt:
                pass
            else:
                break
        assert is_made(made) == (steps == 0 and bool(list(made.rglob("tool"))))
        made_once(made, grown)
        assert sorted(each.name for each in made.iterdir()) == ["bin", "tool", "usr"]
        steps += 1
    assert steps == 4, "as many as there are files"


def test_a_file_is_made_again_that_has_been_emptied(tmp_path: Path) -> None:
    def write(path: Path) -> None:
        path.write_text("filter")

    made = made_once(tmp_path / "filter", write)
    made.write_text("")
    assert made_once(made, write).read_text() == "filter"


def test_a_copy_of_a_home_is_compared_once_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copied without times: all folders are of another time, and all files are there."""
    made = made_once(tmp_path / "home" / "made", grown)
    (tmp_path / "copy").mkdir()
    subprocess.run(["cp", "-r", f"{made.parent}/.", tmp_path / "copy"], check=True)
    copy = tmp_path / "copy" / "made"
    assert is_sound(copy)
    monkeypatch.setattr(tree_record, "differs_from_record", lambda _: "compared")
    assert is_sound(copy)


def test_what_is_gone_from_far_below_is_found_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree_record, "_MOST", 1)
    whole, made = made_once(tmp_path / "whole", grown), made_once(tmp_path / "made", grown)
    (made / "usr/lib/python/file").unlink()
    assert is_made(made), "more folders than are looked at"
    assert damaged([whole, made]) == {made: "usr/lib/python/file"}
    assert is_made(whole)
    assert not is_made(made)
    made_once(made, grown)
    assert damaged([whole, made]) == {}


def test_an_empty_folder_of_an_older_cnbkit_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    assert (made_once(tmp_path / "made", grown) / "tool").exists()


def test_what_is_held_stays_until_it_is_let_go(home: Home) -> None:
    made = made_once(home.base / "build", grown)
    os.utime(made, (5, 5))
    with Held() as held:
        assert held.take(made)
        assert prune(home, ImageStore(home.images)) == 0
        assert is_made(made)
    assert prune(home, ImageStore(home.images)) > 0
    assert not made.exists()
    with Held() as held:
        assert not held.take(made)


def test_of_two_that_discard_the_same_one_is_told_so(tmp_path: Path) -> None:
    made = made_once(tmp_path / "made", grown)
    with discarded(made) as gone:
        assert sorted(each.name for each in gone.iterdir()) == ["bin", "tool", "usr"]
        assert not made.exists()
    assert not gone.exists()
    with pytest.raises(FileNotFoundError), discarded(made):
        pass
    assert [each.name for each in tmp_path.iterdir()] == [".made.lock"]

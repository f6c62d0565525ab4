"""A build image from a registry is the root of a build: as an overlay of its layers shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cnbkit.errors import UserFault
from cnbkit_engine.base.image_root import image_root, python_of_image, python_of_root
from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.layer import Entry
from cnbkit_engine.oci.layout import Layout
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.oci.types import Descriptor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cnbkit_engine.state.home import Home

ARCH = machine_architecture()
OWNER = ("CNB_USER_ID=1000", "CNB_GROUP_ID=1000")
PYTHON = [Entry("/usr"), Entry("/usr/bin"), Entry("/usr/bin/python3", link="python3.11")]


def _push(
    name: str, layers: Sequence[Sequence[Entry]], folder: Path, env: Sequence[str] = OWNER
) -> str:
    layout = Layout(folder / name.rpartition("/")[2].replace(":", "-"))
    config = {"os": "linux", "architecture": ARCH, "config": {"Env": list(env)}}
    made = layout.image(config, [layout.layer(entries) for entries in layers])
    layout.finish(made)
    Remote(name).push(layout.path, Descriptor.parse(made))
    return name


def test_what_a_later_layer_removes_or_replaces_is_so_in_the_folder(
    home: Home, registry: str, tmp_path: Path
) -> None:
    lower = [
        *(Entry("/a"), Entry("/a/kept", b"1"), Entry("/a/gone", b"1"), Entry("/a/changed", b"1")),
        *(Entry("/hidden"), Entry("/hidden/below", b"1"), Entry("/was-folder")),
        Entry("/was-folder/file", b"1"),
    ]
    upper = [
        *(Entry("/a"), Entry("/a/.wh.gone", b""), Entry("/a/changed", b"22", mode=0o755)),
        *(Entry("/hidden"), Entry("/hidden/.wh..wh..opq", b""), Entry("/hidden/above", b"2")),
        Entry("/was-folder", link="a"),
    ]
    name = _push(f"{registry}/build:1", [lower, PYTHON, upper], tmp_path)
    said: list[str] = []
    root, config = image_root(home, name, ARCH, (), said.append)
    assert config["config"]["Env"] == list(OWNER)
    assert sorted(path.name for path in (root / "a").iterdir()) == ["changed", "kept"]
    assert (root / "a" / "changed").read_bytes() == b"22"
    assert (root / "a" / "changed").stat().st_mode & 0o111
    assert [path.name for path in (root / "hidden").iterdir()] == ["above"]
    assert (root / "was-folder").is_symlink()
    assert (root / "cnb").is_dir()
    assert python_of_root(root) == "3.11"
    # Again it is there already; a new image of the name is another folder.
    assert image_root(home, name, ARCH, (), said.append)[0] == root
    assert len(said) == 1
    _push(name, [lower], tmp_path / "newer")
    newer = image_root(home, name, ARCH, (), said.append)[0]
    assert newer != root
    assert python_of_root(newer) == ""


@pytest.mark.parametrize(
    ("entries", "version"), [(PYTHON, "3.11"), ([Entry("/a", b"")], ""), (PYTHON[:2], "")]
)
def test_the_python_of_an_image_is_told_by_its_layers(
    entries: list[Entry], version: str, registry: str, tmp_path: Path
) -> None:
    name = _push(f"{registry}/python:1", [entries, [Entry("/b", b"")]], tmp_path)
    store = ImageStore(tmp_path / "store")
    Remote(name).pull(store.path, ARCH)
    assert python_of_image(store, Image.from_store(store, store.names()[0])) == version


def test_an_image_for_another_user_is_refused_by_name(
    home: Home, registry: str, tmp_path: Path
) -> None:
    name = _push(f"{registry}/build:2", [PYTHON], tmp_path, ["CNB_USER_ID=1001"])
    with pytest.raises(UserFault) as caught:
        image_root(home, name, ARCH, (), print)
    assert "CNB_USER_ID=1001, CNB_GROUP_ID=nothing" in caught.value.what
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("entries", "place"),
    [
        (lambda outside: [Entry("/home", link=outside)], "/home"),
        (lambda outside: [Entry("/home"), Entry("/home/cnb", link=outside)], "/home/cnb"),
        (lambda outside: [Entry("/workspace", link=f"{outside}/new")], "/workspace"),
        (lambda _: [Entry("/layers", b"a file")], "/layers"),
    ],
)
def test_a_link_where_builds_need_a_folder_is_refused_and_not_followed(
    home: Home, registry: str, tmp_path: Path, entries: Any, place: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    name = _push(f"{registry}/links:1", [PYTHON, entries(str(outside))], tmp_path)
    with pytest.raises(UserFault, match="where builds need a folder") as caught:
        image_root(home, name, ARCH, (), print)
    assert f"at {place}," in caught.value.what
    assert list(outside.iterdir()) == []
    assert not [each for each in home.base.iterdir() if each.is_dir()]

"""A package of a stranger gives its own files to a builder, and none of this machine's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit.errors import BuildpackFault
from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.buildpack.image import BUILDPACK_LAYERS, METADATA
from cnbkit_engine.buildpack.locator import Finder
from cnbkit_engine.oci.archive import write_archive
from cnbkit_engine.oci.layer import Entry
from cnbkit_engine.oci.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TOML = b'api = "0.11"\n[buildpack]\nid = "a/one"\nversion = "1"\n[[order]]\n'
UP = "../" * 12


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """A folder of this machine that would do as a buildpack."""
    folder = tmp_path / "private"
    folder.mkdir()
    (folder / "buildpack.toml").write_bytes(TOML)
    (folder / "secret").write_text("the machine's own")
    return folder


def package(folder: Path, layers: object, entries: Sequence[Entry]) -> Path:
    layout = Layout(folder / "layout")
    labels = {
        METADATA: json.dumps({"id": "a/one", "version": "1"}),
        BUILDPACK_LAYERS: layers if isinstance(layers, str) else json.dumps(layers),
    }
    config: dict[str, Any] = {
        "os": "linux",
        "architecture": machine_architecture(),
        "config": {"Labels": labels},
    }
    layout.finish(layout.image(config, [layout.layer(entries)]))
    path = folder / "package.cnb"
    write_archive(layout.path, path)
    return path


def found(path: Path, space: Path) -> list[str]:
    """What a builder takes of it: its files' names and contents."""
    space.mkdir()
    finder = Finder(space, machine_architecture(), lambda _name, _folder: None)
    out = []
    for number, part in enumerate(finder.find(path.name, "", path)):
        part.copy(space / f"copy-{number}")  # type: ignore[union-attr]
        out += [
            each.read_text()
            for each in (space / f"copy-{number}").rglob("*")
            if each.is_file() and not each.is_symlink()
        ]
    return out


PLACE = [Entry("/cnb"), Entry("/cnb/buildpacks"), Entry("/cnb/buildpacks/a_one")]


def test_a_package_as_it_should_be_is_taken(tmp_path: Path) -> None:
    entries = [
        *PLACE,
        Entry("/cnb/buildpacks/a_one/1"),
        Entry("/cnb/buildpacks/a_one/1/buildpack.toml", TOML),
    ]
    path = package(tmp_path, {"a/one": {"1": {}}}, entries)
    assert found(path, tmp_path / "space") == [TOML.decode()]


@pytest.mark.parametrize("by", ["version", "id", "dots", "absolute"])
def test_a_name_that_leads_out_of_it_is_refused(tmp_path: Path, private: Path, by: str) -> None:
    version = {"version": f"{UP}{private}", "id": str(private), "dots": ".."}.get(by, str(private))
    id_ = {"id": "..", "dots": ".."}.get(by, "a/one")
    path = package(tmp_path, {id_: {version: {}}}, PLACE)
    with pytest.raises(BuildpackFault, match="the package lacks"):
        found(path, tmp_path / "space")


@pytest.mark.parametrize("link", ["folder", "id", "buildpacks", "file"])
def test_a_link_in_it_is_not_followed(tmp_path: Path, private: Path, link: str) -> None:
    entries = {
        "folder": [*PLACE, Entry("/cnb/buildpacks/a_one/1", link=str(private))],
        "id": [*PLACE[:2], Entry("/cnb/buildpacks/a_one", link=str(private.parent))],
        "buildpacks": [PLACE[0], Entry("/cnb/buildpacks", link=str(private.parent))],
        "file": [
            *PLACE,
            Entry("/cnb/buildpacks/a_one/1"),
            Entry("/cnb/buildpacks/a_one/1/buildpack.toml", link=str(private / "buildpack.toml")),
        ],
    }[link]
    path = package(tmp_path, {"a/one": {"1": {}, "private": {}}}, entries)
    (private.parent / "a_one").symlink_to(private.parent)
    with pytest.raises(BuildpackFault, match="the package lacks"):
        found(path, tmp_path / "space")


@pytest.mark.parametrize(
    "label", ["{", "[]", "3", '{"a/one": 3}', "[" * 100_000, '{"a/one": {"": {}}}']
)
def test_labels_that_are_none_are_a_fault_or_name_nothing(tmp_path: Path, label: str) -> None:
    path = package(tmp_path, label, PLACE)
    if label == '{"a/one": 3}':
        assert found(path, tmp_path / "space") == []
    else:
        with pytest.raises(BuildpackFault, match="package"):
            found(path, tmp_path / "space")

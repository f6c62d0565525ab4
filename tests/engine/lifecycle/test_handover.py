"""What one phase leaves for the next is taken as a document of the lifecycle, or refused."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import BuildpackFault, PlatformFault
from cnbkit_engine.lifecycle.handover import (
    Member,
    check_cache,
    document,
    extensions_of,
    hand_over,
    members,
    take_over,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ONE = Member("acme/one", "1.0.0")
ANALYZED = b"[run-image]\n"


@pytest.fixture
def host(tmp_path: Path) -> Path:
    folder = tmp_path / "host"
    folder.mkdir()
    (folder / "file").write_text("the host's\n")
    return folder


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """The builder's `/layers`."""
    folder = tmp_path / "built"
    for name in ("config", "sbom/launch/acme_one", "acme_one/layer"):
        (folder / name).mkdir(parents=True)
    (folder / "config" / "metadata.toml").write_text("")
    (folder / "sbom" / "launch" / "acme_one" / "sbom.cdx.json").write_text("{}")
    (folder / "acme_one" / "layer.toml").write_text("[types]\n")
    (folder / "acme_one" / "layer" / "file").write_text("contents")
    return folder


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    folder = tmp_path / "exported"
    folder.mkdir()
    return folder


def take(built: Path, exported: Path) -> None:
    take_over(built, exported, [ONE], {"analyzed.toml": ANALYZED})


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_exporter_gets_what_a_build_has_to_leave_and_nothing_else(
    built: Path, exported: Path, host: Path
) -> None:
    for name in ("analyzed.toml", "group.toml", "report.toml"):
        (built / name).symlink_to(host / "file")
    for name in ("extended/run", "generated", "acme_two/layer"):
        (built / name).mkdir(parents=True)
    (built / "project-metadata.toml").write_text("[source]\n")
    take(built, exported)
    assert files(exported) == [
        *("acme_one/layer.toml", "acme_one/layer/file", "analyzed.toml", "config/metadata.toml"),
        "sbom/launch/acme_one/sbom.cdx.json",
    ]
    assert (exported / "analyzed.toml").read_bytes() == ANALYZED
    assert (host / "file").read_text() == "the host's\n"


def _link(path: Path) -> None:
    path.symlink_to("/proc/self/environ")


KINDS: dict[str, Callable[[Path], object]] = {
    "a link": _link,
    "a named pipe": os.mkfifo,
    "a folder": os.mkdir,
}


@pytest.mark.parametrize("what", KINDS)
@pytest.mark.parametrize(
    "place",
    [
        "config/metadata.toml",
        "acme_one/layer.toml",
        "acme_one/store.toml",
        "acme_one/launch.sbom.cdx.json",
        "sbom/launch/acme_one/sbom.cdx.json",
    ],
)
def test_where_the_exporter_reads_there_is_a_file(
    built: Path, exported: Path, place: str, what: str
) -> None:
    (built / place).unlink(missing_ok=True)
    KINDS[what](built / place)
    if what == "a folder" and place.startswith("sbom/"):
        take(built, exported)  # it may have folders
        return
    with pytest.raises(BuildpackFault, match=f"the build left {what} where") as caught:
        take(built, exported)
    assert caught.value.where == f"/layers/{place}"


@pytest.mark.parametrize("place", ["config", "sbom", "acme_one", "sbom/launch"])
def test_a_folder_that_is_a_link_is_not_gone_into(
    built: Path, exported: Path, host: Path, place: str
) -> None:
    (built / place).rename(built / "away")
    (built / place).symlink_to(host)
    with pytest.raises(BuildpackFault, match="the build left a link where"):
        take(built, exported)
    assert files(host) == ["file"]


def test_a_build_that_wrote_no_metadata_is_told(built: Path, exported: Path) -> None:
    (built / "config" / "metadata.toml").unlink()
    with pytest.raises(BuildpackFault, match="nothing that can be read"):
        take(built, exported)


def test_a_bill_nested_without_end_is_refused(built: Path, exported: Path) -> None:
    deep = built / "sbom"
    for _ in range(300):
        deep /= "d"
        deep.mkdir()
    with pytest.raises(BuildpackFault, match="nested deeper"):
        take(built, exported)


def test_documents_replace_whatever_is_there(tmp_path: Path, host: Path) -> None:
    layers = tmp_path / "layers"
    layers.mkdir()
    (layers / "analyzed.toml").symlink_to(host / "file")
    (layers / "group.toml").mkdir()
    (layers / "group.toml" / "x").touch()
    os.mkfifo(layers / "plan.toml")
    texts = {"analyzed.toml": b"a", "group.toml": b"g", "plan.toml": b"p"}
    hand_over(layers, texts)
    assert {name: document(layers, name) for name in texts} == texts
    assert (host / "file").read_text() == "the host's\n"


@pytest.mark.parametrize("what", KINDS)
def test_a_document_is_a_file(tmp_path: Path, what: str) -> None:
    KINDS[what](tmp_path / "group.toml")
    with pytest.raises(BuildpackFault, match=f"left {what} where"):
        document(tmp_path, "group.toml")
    with pytest.raises(PlatformFault, match=r"left no plan\.toml"):
        document(tmp_path, "plan.toml")


def test_a_document_without_end_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "group.toml").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(BuildpackFault, match="more than 67108864 bytes"):
        document(tmp_path, "group.toml")


@pytest.fixture
def buildpacks(tmp_path: Path) -> Path:
    folder = tmp_path / "buildpacks"
    (folder / "acme_one" / "1.0.0").mkdir(parents=True)
    return folder


def test_a_groups_members_are_the_builders(buildpacks: Path) -> None:
    group = b'[[group]]\nid = "acme/one"\nversion = "1.0.0"\napi = "0.10"\noptional = true\n'
    assert members(group, buildpacks) == [ONE]


@pytest.mark.parametrize(
    ("identity", "version"),
    [
        ("acme/two", "1.0.0"),
        ("acme/one", "2.0.0"),
        ("acme/one", "../1.0.0"),
        ("acme/one", ".."),
        ("..", "acme_one"),
        (".", "acme_one"),
        ("", "acme_one"),
        ("../../acme_one", "1.0.0"),
    ],
)
def test_others_are_refused(buildpacks: Path, identity: str, version: str) -> None:
    group = f'[[group]]\nid = "{identity}"\nversion = "{version}"\n'.encode()
    with pytest.raises(BuildpackFault, match="the builder does not have"):
        members(group, buildpacks)


@pytest.mark.parametrize(
    "group", [b"\xff", b"group = 1", b"[[group]]\n", b"group = [1]", b"[[group]]\nid = 1\n", b"]"]
)
def test_what_no_detector_writes_is_refused(buildpacks: Path, group: bytes) -> None:
    with pytest.raises(BuildpackFault, match="that the detector does not write"):
        members(group, buildpacks)


def test_extensions_of_the_builder_alone_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "acme_fonts" / "1").mkdir(parents=True)
    entry = '[[group-extensions]]\nid = "{}"\nversion = "1"\n'
    assert extensions_of(entry.format("acme/fonts").encode(), tmp_path) == ["acme/fonts"]
    assert extensions_of(b"", tmp_path) == []
    for other in ("acme/other", "..", ""):
        with pytest.raises(BuildpackFault, match="an extension the builder does not have"):
            extensions_of(entry.format(other).encode(), tmp_path)
    with pytest.raises(BuildpackFault, match="that the detector does not write"):
        extensions_of(b"group-extensions = 1", tmp_path)


def test_a_cache_holds_files_only(tmp_path: Path) -> None:
    (tmp_path / "committed").mkdir()
    (tmp_path / "committed" / "layer.tar").write_text("x")
    check_cache(tmp_path)
    (tmp_path / "committed" / "other.tar").symlink_to("/etc/hostname")
    with pytest.raises(PlatformFault, match="the cache holds something") as caught:
        check_cache(tmp_path)
    assert caught.value.where == str(tmp_path / "committed" / "other.tar")

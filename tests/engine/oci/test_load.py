"""Images are given to the container engine that answers, and what it says is told.

That Docker itself takes them, and starts what they hold, is proved in tests/pack/test_load.py.
"""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import PlatformFault
from cnbkit_engine.oci.layer import Entry
from cnbkit_engine.oci.layout import Layout
from cnbkit_engine.oci.load import ContainerEngine
from cnbkit_engine.oci.store import ImageStore

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = {"os": "linux", "architecture": "amd64", "config": {}, "rootfs": {"type": "layers"}}


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    layout = Layout(tmp_path / "layout")
    made = layout.image(CONFIG, [layout.layer([Entry("/file", b"content\n")])], [])
    layout.finish(made)
    store = ImageStore(tmp_path / "store")
    for blob in (tmp_path / "layout" / "blobs" / "sha256").iterdir():
        store.put_blob(blob.read_bytes())
    data = store.read_blob(made["digest"])
    store.put_manifest("team/app:1", made["mediaType"], data)
    return store


def _program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}")
    path.chmod(0o755)


def test_the_image_arrives_whole_and_under_its_name(
    programs: Path, store: ImageStore, tmp_path: Path
) -> None:
    _program(programs, "docker", "echo 'cannot connect' >&2; exit 1\n")
    got = tmp_path / "got"
    _program(programs, "podman", f'[ "$1" = version ] || exec cat >"{got}"\n')
    engine = ContainerEngine.running()
    assert engine.name == "podman"
    engine.load(store, "team/app:1")
    with tarfile.open(fileobj=io.BytesIO(got.read_bytes())) as archive:
        manifest = archive.extractfile("manifest.json")
        assert manifest
        (image,) = json.load(manifest)
        assert image["RepoTags"] == ["team/app:1"]
        assert {image["Config"], *image["Layers"]} <= set(archive.getnames())


def test_no_engine_is_a_fault_that_says_what_was_asked(programs: Path) -> None:
    with pytest.raises(PlatformFault, match="neither docker nor podman"):
        ContainerEngine.running()
    _program(programs, "docker", "echo 'cannot connect' >&2; exit 1\n")
    with pytest.raises(PlatformFault, match="no container engine is running") as told:
        ContainerEngine.running()
    assert "cannot connect" in str(told.value)
    assert "--output docker-archive:FILE" in str(told.value)


@pytest.mark.parametrize("reads", ["cat >/dev/null; ", ""])
def test_an_engine_that_refuses_is_told(programs: Path, store: ImageStore, reads: str) -> None:
    _program(programs, "docker", f'[ "$1" = version ] && exit; {reads}echo no space; exit 1\n')
    with pytest.raises(PlatformFault, match="docker does not take the image") as told:
        ContainerEngine.running().load(store, "team/app:1")
    assert "no space" in str(told.value)

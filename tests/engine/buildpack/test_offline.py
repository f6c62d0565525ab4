"""Dependencies inside the package."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from cnbkit import BuildContext, BuildpackFault
from cnbkit.log import Log
from cnbkit_engine.buildpack.offline import bundle
from cnbkit_engine.buildpack.source import BuildpackSource

if TYPE_CHECKING:
    from pathlib import Path

DATA = b"the tool"
SUM = hashlib.sha256(DATA).hexdigest()


def _source(root: Path, listed: str) -> BuildpackSource:
    (root / "pack.py").touch()
    (root / "buildpack.toml").write_text(
        'api = "0.12"\n[buildpack]\nid = "a/b"\nversion = "1.2.3"\n'
        f'[metadata.cnbkit]\nentry = "pack:Pack"\n{listed}'
    )
    return BuildpackSource(root)


def test_what_is_bundled_needs_no_network_at_build(tmp_path: Path) -> None:
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "tool.bin").write_bytes(DATA)
    listed = (
        f'[[metadata.dependencies]]\nuri = "file://{tmp_path}/mirror/tool.bin"\n'
        f'sha256 = "{SUM}"\nlicense = "passes"\n'
    )
    [dependency] = bundle(_source(tmp_path, listed), tmp_path / "out", {})
    (tmp_path / "mirror" / "tool.bin").unlink()
    (tmp_path / "layers").mkdir()
    ctx = BuildContext(
        app=str(tmp_path),
        env={},
        buildpack=str(tmp_path / "out"),
        platform="",
        layers=str(tmp_path / "layers"),
        plan="",
        log=Log(),
    )
    assert ctx.download(dependency).read_bytes() == DATA


def test_a_list_that_is_wrong_names_every_fault(tmp_path: Path) -> None:
    listed = '[[metadata.dependencies]]\nuri = 5\n[[metadata.dependencies]]\nuri = "x"\n'
    with pytest.raises(BuildpackFault) as caught:
        bundle(_source(tmp_path, listed), tmp_path / "out", {})
    text = str(caught.value)
    assert "dependencies[0].uri" in text
    assert "dependencies[1].checksum: is required" in text


def test_without_a_list_nothing_is_made(tmp_path: Path) -> None:
    assert bundle(_source(tmp_path, ""), tmp_path / "out", {}) == []
    assert not (tmp_path / "out").exists()


def test_a_package_holds_what_is_for_its_architecture(tmp_path: Path) -> None:
    listed = ""
    for name in ("amd64", "arm64", "any"):
        (tmp_path / name).write_text(name)
        digest = hashlib.sha384(name.encode()).hexdigest()
        listed += '[[metadata.dependencies]]\nid = "tool"\nversion = "1.0.0"\n'
        listed += f'uri = "file://{tmp_path}/{name}"\nchecksum = "sha384:{digest}"\n'
        listed += "" if name == "any" else f'targets = ["linux/{name}"]\n'
    source = _source(tmp_path, listed)
    for arch in ("amd64", "arm64"):
        bundled = bundle(source, tmp_path / f"out-{arch}", {}, arch=arch)
        assert [each.name for each in bundled] == [arch, "any"]
        files = (tmp_path / f"out-{arch}" / "dependencies").glob("*/*")
        assert sorted(path.read_text() for path in files) == sorted([arch, "any"])

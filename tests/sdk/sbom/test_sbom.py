"""SBOM documents of a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cnbkit import BuildpackFault, Layer, LayerKey, OpenLayer, key
from cnbkit.log import Log
from cnbkit.sbom.check import checked

if TYPE_CHECKING:
    from pathlib import Path


class _Key(LayerKey):
    name: str = key("name")


def _open(root: Path, value: str, layer: Layer | None = None) -> OpenLayer:
    return OpenLayer(layer or Layer.cached("x"), _Key(name=value), str(root), Log())


def _restore(root: Path) -> None:
    toml = root / "x.toml"
    toml.write_text("[metadata]" + toml.read_text().partition("[metadata]")[2])


def _files(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir() if ".sbom." in path.name)


def test_a_layers_sboms_are_written_with_it_and_replaced_as_a_set(tmp_path: Path) -> None:
    with _open(tmp_path, "a") as layer:
        layer.sbom("cdx", {"n": 1})
        layer.sbom("spdx", b"{}")
        assert _files(tmp_path) == []
    assert _files(tmp_path) == ["x.sbom.cdx.json", "x.sbom.spdx.json"]
    _restore(tmp_path)
    with _open(tmp_path, "a") as layer:
        assert layer.state == "keep"
    assert len(_files(tmp_path)) == 2
    _restore(tmp_path)
    with _open(tmp_path, "a") as layer:
        layer.sbom("syft", "{}")
    assert _files(tmp_path) == ["x.sbom.syft.json"]
    _restore(tmp_path)
    with _open(tmp_path, "b") as layer:
        assert layer.state == "rebuild"
    assert _files(tmp_path) == []


def test_a_failing_block_leaves_no_sbom(tmp_path: Path) -> None:
    layer = _open(tmp_path, "a")
    layer.__enter__()
    layer.sbom("cdx", {})
    layer.__exit__(KeyError, KeyError(), None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("document", ["{", b"\xff", {"a": object()}, 5])
def test_what_is_not_json_is_refused(document: Any) -> None:
    with pytest.raises(BuildpackFault, match="is not JSON"):
        checked("cdx", document, "")


def test_a_format_nobody_knows_or_declared_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildpackFault, match="'csv' is not an SBOM format"):
        checked("csv", {}, "")
    (tmp_path / "buildpack.toml").write_text("[buildpack]\nsbom-formats = []\n")
    with pytest.raises(BuildpackFault, match="is not declared") as caught:
        checked("syft", {}, str(tmp_path))
    assert caught.value.remedy is not None
    assert 'sbom-formats = ["application/vnd.syft+json"]' in caught.value.remedy

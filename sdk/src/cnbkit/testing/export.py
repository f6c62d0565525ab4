"""What the lifecycle refuses after a build that ended well."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from cnbkit.errors import BuildpackFault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cnbkit.spec.buildpack import BuildpackDescriptor

__all__ = ["check_export"]

_SBOM_TYPES = {
    "cdx.json": "application/vnd.cyclonedx+json",
    "spdx.json": "application/spdx+json",
    "syft.json": "application/vnd.syft+json",
}


def check_export(
    layers: Path, image: Mapping[str, bool], descriptor: BuildpackDescriptor
) -> BuildpackFault | None:
    """The faults an export would end with (phase/exporter.go, buildpack/bomfile.go), as one.

    Args:
        layers: the layers directory after build.
        image: this buildpack's layers in the previous image, and whether each has contents.
        descriptor: the buildpack's.
    """
    faults = [*_layers(layers, image), *_sboms(layers, descriptor)]
    if not faults:
        return None
    return BuildpackFault(
        "the lifecycle would not export this: " + faults[0],
        where=str(layers),
        remedy="correct the buildpack",
        detail="\n".join(faults[1:]) or None,
    )


def _layers(layers: Path, image: Mapping[str, bool]) -> Iterator[str]:
    for toml in sorted(layers.glob("*.toml")):
        name = toml.stem
        if name in ("build", "launch", "store"):
            continue
        types = tomllib.loads(toml.read_text(encoding="utf-8")).get("types", {})
        if not types.get("launch"):
            continue
        if (layers / name).is_dir():
            # It would be exported as it is, in place of the old one.
            if image.get(name) and not types.get("cache") and not any((layers / name).iterdir()):
                yield f"the layer {name} is empty, and the previous image has one with contents"
            continue
        if types.get("cache"):
            yield f"the layer {name} is cache = true but has no contents"
        elif name not in image:
            yield f"the layer {name} has no contents, and none in the previous image to re-use"


def _sboms(layers: Path, descriptor: BuildpackDescriptor) -> Iterator[str]:
    for path in sorted(layers.glob("*.sbom.*.json")):
        kind = _SBOM_TYPES.get(path.name.partition(".sbom.")[2])
        if kind is None:
            yield f"{path.name} is of no SBOM format the specification knows"
        elif kind not in descriptor.buildpack.sbom_formats:
            yield f"{path.name}: sbom-formats in buildpack.toml does not name {kind}"

"""A buildpackage: an image whose layers are buildpacks (distribution specification; pack)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cnbkit.errors import BuildpackFault
from cnbkit_engine.buildpack.module import identity
from cnbkit_engine.oci.layer import linked_entries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnbkit_engine.buildpack.module import Module
    from cnbkit_engine.oci.layout import BuiltLayer, Layout

__all__ = ["BUILDPACK_LAYERS", "EXTENSION_LAYERS", "METADATA", "check_members", "write_package"]

METADATA = "io.buildpacks.buildpackage.metadata"
BUILDPACK_LAYERS = "io.buildpacks.buildpack.layers"
EXTENSION_LAYERS = "io.buildpacks.extension.layers"


def write_package(
    layout: Layout, modules: Sequence[Module], arch: str, *, flatten: bool = False
) -> dict[str, Any]:
    """Write the package of one architecture; returns its manifest's descriptor.

    Args:
        layout: gets layers, config and manifest.
        modules: what is packaged, and after it what its order names.
        arch: `amd64` or `arm64`.
        flatten: put all of them into one layer.

    Raises:
        BuildpackFault: a file cannot be packaged.
        OSError: the disk refuses.
    """
    main = modules[0]
    layers: list[BuiltLayer]
    if flatten:
        shared = layout.layer(
            linked_entries(entry for module in modules for entry in module.entries()),
            ", ".join(module.identity for module in modules),
        )
        layers, owners = [shared], [shared] * len(modules)
    else:
        layers = owners = layout.layers((each.entries(), each.identity) for each in modules)
    known: dict[str, dict[str, Any]] = {}
    for module, layer in zip(modules, owners, strict=True):
        known.setdefault(module.id, {})[module.version] = module.layer_info(layer.diff_id)
    metadata = main.info()
    if not main.is_extension:
        # Buildpacks that say for which targets they are run on any stack.
        metadata["stacks"] = main.table.get("stacks") or [{"id": "*"}]
    label = EXTENSION_LAYERS if main.is_extension else BUILDPACK_LAYERS
    about = main.annotations()
    labels = {METADATA: _json(metadata), label: _json(known), **about}
    config = {"os": "linux", "architecture": arch, "config": {"Labels": labels}}
    return layout.image(config, layers, annotations=about)


def check_members(modules: Sequence[Module]) -> None:
    """Whether a composite has just what its order names, as pack asks.

    Args:
        modules: the composite, and what comes with it.

    Raises:
        BuildpackFault: something is missing or too much; all of it at once.
    """
    main, *others = modules
    there = {module.identity for module in others}
    faults, used = [], set()
    for module in modules:
        for number, each in enumerate(module.order, 1):
            for entry in each.get("group") or ():
                name = identity(entry.get("id", ""), entry.get("version", ""))
                used.add(name)
                start = f"{module.identity}: group {number} names {name}"
                if not entry.get("version"):
                    faults.append(f"{start} without a version")
                elif name not in there:
                    faults.append(f"{start}, which is not there")
    faults += [f"{name} comes with it, but no group names it" for name in sorted(there - used)]
    if faults:
        raise BuildpackFault(
            f"{main.identity} does not hold what its order names",
            where=str(main.folder),
            remedy="make [[dependencies]] of package.toml and [[order]] name the same buildpacks",
            detail="\n".join(faults),
        )


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))

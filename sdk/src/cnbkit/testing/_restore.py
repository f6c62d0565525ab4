"""What the lifecycle puts back before a rebuild.

Follows the lifecycle's code (internal/layer/metadata_restorer.go, phase/restorer.go and
internal/layer/sbom_restorer.go, Platform API 0.14 and later); a test runs the real one on the
same layers and compares.
"""

from __future__ import annotations

import os
import shutil
import tomllib
from typing import TYPE_CHECKING, Any

from cnbkit.spec.toml import encode

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["restore", "rewritten"]

_NOT_LAYERS = ("build", "launch", "store")


def restore(before: Path, after: Path, *, image: bool = True, cache: bool = True) -> None:
    """Make a buildpack's layers directory for a build out of what the last build left there.

    | layer of the last build        | its toml, without types | its contents   |
    |--------------------------------|-------------------------|----------------|
    | cache, whatever else           | from the cache          | from the cache |
    | launch only                    | from the image          | not            |
    | build, temporary               | not                     | not            |

    SBOMs of layers come from the cache and from the image, even where the layer does not.

    Args:
        before: the layers directory as the last build left it; stays as it is.
        after: an empty or missing directory.
        image: whether the previous image is still there.
        cache: whether the build cache is still there.
    """
    after.mkdir(exist_ok=True)
    sboms: list[Path] = []
    for toml in sorted(before.glob("*.toml")):
        name = toml.stem
        if name in _NOT_LAYERS:
            continue
        table = tomllib.loads(toml.read_text(encoding="utf-8"))
        types = table.get("types", {})
        cached, launch = bool(types.get("cache")), bool(types.get("launch"))
        only_launch = launch and not cached and not types.get("build")
        if (cached and cache) or (only_launch and image):
            (after / toml.name).write_text(rewritten(table), encoding="utf-8")
        if cached and cache:
            _extract(before / name, after / name)
        if (cached and cache) or (launch and image):
            sboms.extend(before.glob(f"{name}.sbom.*"))
    store = before / "store.toml"
    if image and store.exists():
        table = tomllib.loads(store.read_text(encoding="utf-8"))
        (after / "store.toml").write_text(rewritten(table), encoding="utf-8")
    if any(after.iterdir()):  # the lifecycle makes no directory for the sake of SBOMs alone
        for sbom in sboms:
            shutil.copyfile(sbom, after / sbom.name)


def rewritten(table: dict[str, Any]) -> str:
    """A layer's toml or store.toml as the lifecycle writes it: `[metadata]` alone.

    On its way it was JSON, from which Go reads every number as a float; keys are sorted.
    """
    metadata = _through_json(table.get("metadata", {}))
    if not metadata:
        return ""
    lines = encode({"metadata": metadata}).removesuffix("\n").split("\n")
    return "".join(
        f"  {line}\n" if line and line != "[metadata]" else f"{line}\n" for line in lines
    )


def _through_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _through_json(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [_through_json(each) for each in value]
    return float(value) if type(value) is int else value


def _extract(source: Path, target: Path) -> None:
    """Copy a tree as it comes out of a tar archive: modes stay, times are now, links are links."""
    target.mkdir()
    for entry in os.scandir(source):
        copy = target / entry.name
        if entry.is_symlink():
            copy.symlink_to((source / entry.name).readlink())
        elif entry.is_dir():
            _extract(source / entry.name, copy)
        elif entry.is_file():
            shutil.copyfile(entry.path, copy)
            shutil.copymode(entry.path, copy)
    shutil.copymode(source, target)

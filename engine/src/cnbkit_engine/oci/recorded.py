"""What the lifecycle has recorded of an image in its labels: which layer is whose."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


__all__ = ["label", "origins"]


def label(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A label that holds a JSON object, from an image's config; empty if there is none.

    Raises:
        TypeError, ValueError: it is something else.
    """
    text = ((config.get("config") or {}).get("Labels") or {}).get(name)
    value = json.loads(text) if text else {}
    if not isinstance(value, dict):
        raise TypeError(f"label {name} is not an object")
    return value


def origins(metadata: Mapping[str, Any], diff_ids: list[str]) -> list[tuple[str, str]]:
    """(kind, what) of each layer."""
    top = (metadata.get("runImage") or {}).get("topLayer")
    base = diff_ids.index(top) + 1 if top in diff_ids else 0
    known = {sha: (kind, what) for sha, kind, what in _recorded(metadata)}
    return [
        ("base", "base") if place < base else known.get(diff_id, ("other", "other"))
        for place, diff_id in enumerate(diff_ids)
    ]


def _recorded(metadata: Mapping[str, Any]) -> Iterator[tuple[str | None, str, str]]:
    for slice_ in metadata.get("app") or ():
        yield slice_.get("sha"), "app", "app"
    for kind in ("sbom", "config", "launcher", "process-types"):
        yield (metadata.get(kind) or {}).get("sha"), kind, kind
    for buildpack in metadata.get("buildpacks") or ():
        for name, layer in (buildpack.get("layers") or {}).items():
            yield layer.get("sha"), "buildpack", f"{buildpack.get('key')}:{name}"

"""What a build did, layer by layer, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit_engine.lifecycle.build_report import layer_reports
from cnbkit_engine.state.beneath import Folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from cnbkit_engine.oci.image import Image

__all__ = ["reasons", "size_text", "summary"]

_OURS = "buildpacksio/lifecycle:"


def reasons(layers: Path) -> dict[str, str]:
    """Why layers were rebuilt: `buildpack-id:layer` → reason, as the buildpacks left them.

    Args:
        layers: the build's layers folder.
    """
    found = {}
    with Folder(layers) as top:
        for buildpack in top.names():
            if not top.is_folder(buildpack):
                continue
            with top.folder(buildpack) as folder:
                for name, _state, why in layer_reports(folder):
                    found[f"{buildpack}:{name}"] = why
    return found


def summary(
    states: Mapping[str, str], why: Mapping[str, str], image: Image | None
) -> Iterator[str]:
    """The lines of the layer table.

    Args:
        states: `Narrator.layers`.
        why: `reasons`.
        image: the image, for sizes; None if it is not in the store.
    """
    sizes: dict[str, int] = {}
    for layer in image.layers if image else ():
        sizes[layer.what] = sizes.get(layer.what, 0) + layer.size
    rows = []
    for name, state in states.items():
        if name.startswith(_OURS):
            continue  # a few kilobytes the lifecycle adds to every image
        reason = why.get(name.replace("/", "_", 1), "") if state == "built" else ""
        size = size_text(sizes[name]) if name in sizes else ""
        rows.append((state, name, size, reason))
    yield from _table(rows)


def _table(rows: Sequence[tuple[str, str, str, str]]) -> Iterator[str]:
    if not rows:
        return
    width = max(len(row[1]) for row in rows)
    for state, name, size, reason in rows:
        yield f"  {state:<6}  {name:<{width}}  {size:>9}  {_short(reason)}".rstrip()


def _short(reason: str) -> str:
    return reason if len(reason) <= 60 else reason[:59] + "…"


def size_text(count: int) -> str:
    """Bytes in the decimal units that registries and `docker images` use."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.2f} GB"

"""The layers of an image as a treemap, and within each what its bytes are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit_engine.build.report import size_text
from cnbkit_engine.oci.contents import contents
from cnbkit_engine.page.document import table, text
from cnbkit_engine.page.treemap import Rectangle, squarified

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cnbkit_engine.oci.image import Image, Layer
    from cnbkit_engine.oci.store import ImageStore

__all__ = ["MAP_STYLE", "layer_map"]

MAP_STYLE = """
.map{position:relative;width:100%;aspect-ratio:16/9;min-height:18rem;border-radius:.4rem;
overflow:hidden;background:var(--line)}
.map div{position:absolute;overflow:hidden;border:1px solid var(--back);font-size:.75rem;
line-height:1.25;padding:.1rem .25rem;color:#fff}
.layer{background:var(--kept)}.layer.new{background:var(--new)}
.layer>b{position:relative;z-index:1;font-weight:600;white-space:nowrap}
.layer>div{background:rgb(0 0 0/.16);border-color:rgb(255 255 255/.35)}
.legend{font-size:.85rem}
.legend i{display:inline-block;width:.8rem;height:.8rem;margin:0 .3rem 0 .8rem;
background:var(--kept)}.legend .new{background:var(--new)}
"""
_WHOLE = Rectangle(0, 0, 100, 100)
# Above a layer's parts its name stands, in percent of its height.
_HEADING = 12
_PARTS = 12
_SMALLEST = 0.004
_NAMED = 0.02
_LISTED = 15


def layer_map(store: ImageStore, image: Image, states: Mapping[str, str]) -> str:
    """HTML: a rectangle for each layer by its compressed size, and the largest parts as a table.

    Args:
        store: where the image is.
        image: it.
        states: "built" or "reused" by layer; empty if no build made it just now.

    Raises:
        UserFault: a layer is damaged.
    """
    layers = sorted(image.layers, key=lambda layer: -layer.size)
    shown = [layer for layer in layers if layer.size > _SMALLEST * image.size]
    # The base's files are Debian's: its one rectangle says enough.
    inside = {layer.digest: _parts(store, layer) for layer in shown if layer.kind != "base"}
    places = squarified([layer.size for layer in shown], _WHOLE)
    boxes = "".join(
        _box(layer, place, image.size, states.get(layer.what, ""), inside.get(layer.digest, {}))
        for layer, place in zip(shown, places, strict=True)
    )
    legend = (
        '<p class="legend"><i class="new"></i>new in this build<i></i>reused, or the base</p>'
        if states
        else ""
    )
    found = [
        (size, name, layer.what)
        for layer in shown
        for name, size in inside.get(layer.digest, {}).items()
    ]
    largest = sorted(found, reverse=True)[:_LISTED]
    rows = [(name, size_text(size), what) for size, name, what in largest]
    parts = [f'<div class="map">{boxes}</div>', legend]
    if rows:
        parts.append(table(("largest parts", "unpacked", "layer"), rows, numbers=(1,)))
    return "\n".join(parts)


def _parts(store: ImageStore, layer: Layer) -> dict[str, int]:
    return dict(list(contents(store, layer).items())[:_PARTS])


def _box(layer: Layer, place: Rectangle, total: int, state: str, inside: Mapping[str, int]) -> str:
    kind = " new" if state == "built" else ""
    name = layer.what.partition(":")[2] or layer.what
    title = f"{layer.what}: {size_text(layer.size)} compressed"
    large = layer.size > _NAMED * total
    head = f"<b>{text(name)} {size_text(layer.size)}</b>" if large else ""
    return (
        f'<div class="layer{kind}" style="{_style(place)}" title="{text(title)}">{head}'
        f"{''.join(_inner(inside)) if large and len(inside) > 1 else ''}</div>"
    )


def _inner(inside: Mapping[str, int]) -> Iterator[str]:
    total = sum(inside.values())
    kept = {name: size for name, size in inside.items() if size > _NAMED * total}
    below = Rectangle(0, _HEADING, 100, 100 - _HEADING)
    places = squarified(list(kept.values()), below)
    for (name, size), place in zip(kept.items(), places, strict=True):
        said = text(f"{name}: {size_text(size)} unpacked")
        yield f'<div style="{_style(place)}" title="{said}">{text(name)}</div>'


def _style(place: Rectangle) -> str:
    return (
        f"left:{place.left:.2f}%;top:{place.top:.2f}%;"
        f"width:{place.width:.2f}%;height:{place.height:.2f}%"
    )

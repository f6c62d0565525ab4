"""Rectangles in a rectangle, each as large as its share: a squarified treemap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Rectangle", "squarified"]


@dataclass(frozen=True)
class Rectangle:
    """A part of the whole.

    Args:
        left: distance from the left edge.
        top: distance from the top edge.
        width: its width.
        height: its height.
    """

    left: float
    top: float
    width: float
    height: float


def squarified(shares: Sequence[float], whole: Rectangle) -> list[Rectangle]:
    """A rectangle for each share, as near to a square as may be.

    Args:
        shares: positive, the largest first.
        whole: what they fill together.
    """
    total = sum(shares)
    if not total:
        return []
    scale = whole.width * whole.height / total
    areas = [share * scale for share in shares]
    found: list[Rectangle] = []
    rest = whole
    start = 0
    while start < len(areas):
        end = start + 1
        while end < len(areas) and _worst(areas[start : end + 1], rest) <= _worst(
            areas[start:end], rest
        ):
            end += 1
        row, rest = _row(areas[start:end], rest)
        found += row
        start = end
    return found


def _worst(areas: Sequence[float], rest: Rectangle) -> float:
    """How far from a square the worst of a row is, along the shorter edge."""
    edge = min(rest.width, rest.height)
    total = sum(areas)
    if edge <= 0 or total <= 0:
        return float("inf")
    thick = total / edge
    return max(max(thick * thick / area, area / (thick * thick)) for area in areas)


def _row(areas: Sequence[float], rest: Rectangle) -> tuple[list[Rectangle], Rectangle]:
    total = sum(areas)
    if rest.width >= rest.height:
        thick = total / rest.height if rest.height else 0.0
        top, made = rest.top, []
        for area in areas:
            height = area / thick if thick else 0.0
            made.append(Rectangle(rest.left, top, thick, height))
            top += height
        left = Rectangle(rest.left + thick, rest.top, max(rest.width - thick, 0.0), rest.height)
        return made, left
    thick = total / rest.width
    side, made = rest.left, []
    for area in areas:
        width = area / thick
        made.append(Rectangle(side, rest.top, width, thick))
        side += width
    return made, Rectangle(rest.left, rest.top + thick, rest.width, max(rest.height - thick, 0.0))

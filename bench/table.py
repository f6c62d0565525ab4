"""Numbers as tables: medians, ratios, Markdown."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["markdown", "milliseconds", "ratio", "seconds", "spread"]


def seconds(values: Sequence[float]) -> str:
    """The median with its range: `1.23 s (1.20-1.31)`."""
    if not values:
        return "-"
    return f"{median(values):.2f} s ({spread(values)})"


def spread(values: Sequence[float]) -> str:
    """Smallest and largest."""
    return f"{min(values):.2f}-{max(values):.2f}"


def milliseconds(values: Sequence[float]) -> str:
    """The median of seconds, in milliseconds."""
    return f"{median(values) * 1000:.1f} ms" if values else "-"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Our median by theirs, `0.25`: below 1 is better."""
    if not ours or not theirs or not median(theirs):
        return "-"
    return f"{median(ours) / median(theirs):.2f}"


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table: the first column to the left, the others to the right."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"

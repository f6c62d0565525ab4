"""Names with `*` and `?` in them, as a shell reads them, without the imports of `glob`."""

from __future__ import annotations

import os

__all__ = ["matches", "named"]


def named(root: str, pattern: str) -> list[str]:
    """What a pattern may name below a folder, in order.

    `*` and `?` stand for anything but a slash, and not for a leading dot. A step without them
    is taken as it is, whether or not it is there; a folder that cannot be read holds nothing.

    Args:
        root: absolute path of the folder.
        pattern: relative to it.

    Returns:
        Paths relative to the root.
    """
    return _named(root, pattern.split("/"), "")


def _named(root: str, steps: list[str], before: str) -> list[str]:
    step, *rest = steps
    found = [step]
    if "*" in step or "?" in step:
        try:
            entries = os.listdir(f"{root}/{before}")
        except OSError:
            return []
        found = sorted(name for name in entries if matches(name, step))
    names = [f"{before}{name}" for name in found]
    return [each for name in names for each in _named(root, rest, f"{name}/")] if rest else names


def matches(name: str, pattern: str) -> bool:
    """Whether one name, without a slash, is what a pattern stands for."""
    if name.startswith(".") and not pattern.startswith("."):
        return False
    # Where in the pattern one can be after each character of the name.
    at = _past_stars(pattern, {0})
    for char in name:
        at = _past_stars(
            pattern,
            {
                place if pattern[place] == "*" else place + 1
                for place in at
                if place < len(pattern) and pattern[place] in ("*", "?", char)
            },
        )
    return len(pattern) in at


def _past_stars(pattern: str, places: set[int]) -> set[int]:
    reached = set(places)
    for place in places:
        while pattern[place : place + 1] == "*":
            place += 1
            reached.add(place)
    return reached

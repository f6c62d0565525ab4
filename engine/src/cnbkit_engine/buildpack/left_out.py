"""What packages bring that no build can use, so that builders do not carry it."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["leave_out"]

# What starts scripts on Windows: of distlib (in pip), installer and setuptools.
_LAUNCHER = re.compile(
    r"(?:[tw](?:32|64|64-arm|_arm)|(?:cli|gui)(?:-(?:32|64|arm64))?)\.exe", re.IGNORECASE
)
_SEEDS = "virtualenv/seed/wheels/embed"


def leave_out(library: Path) -> None:
    """Remove launchers for Windows, and virtualenv's wheels for Pythons older than any here.

    Args:
        library: a folder that packages were installed into; no Python before 3.11 imports from it.
    """
    for path in library.rglob("*.exe"):
        if _LAUNCHER.fullmatch(path.name):
            path.unlink()
    for folder in library.rglob(_SEEDS):
        _keep_newest(folder)


def _keep_newest(folder: Path) -> None:
    """It has the newest wheel of a project for today's Pythons, and older ones for older."""
    found: dict[str, list[tuple[list[int], Path]]] = defaultdict(list)
    for path in folder.glob("*-*.whl"):
        name, version, *_ = path.name.split("-")
        found[name].append(([int(part) for part in re.findall(r"\d+", version)], path))
    for wheels in found.values():
        for _, path in sorted(wheels)[:-1]:
            path.unlink()

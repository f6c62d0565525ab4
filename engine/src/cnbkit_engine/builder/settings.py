"""Names of the variables that a builder's buildpacks read, as far as their files tell.

A buildpack that reads a variable has its name somewhere: in its code, its program, its README.
"""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["FILE", "settings_named"]

FILE = "settings.txt"
"""In a builder's folder: the names, a line each."""

_NAME = re.compile(rb"(?<![A-Za-z0-9_])BPL?(?:_[A-Z0-9]+)+(?![A-Za-z0-9_])")
_LIMIT = 64 << 20  # bytes of a file


def settings_named(buildpacks: Path) -> list[str]:
    """Names like `BP_…` and `BPL_…` in the files of assembled buildpacks, sorted.

    Args:
        buildpacks: the folder, as `/cnb/buildpacks`.
    """
    found: set[bytes] = set()
    for folder in sorted(buildpacks.glob("*/*")):
        for path in _files(folder):
            with open(path, "rb") as file:
                found.update(_NAME.findall(file.read(_LIMIT)))
    return sorted(name.decode() for name in found)


def _files(folder: Path) -> Iterator[str]:
    """Its files; of what a buildpack written on cnbkit brings along, only the SDK's."""
    ours = (folder / "lib" / "cnbkit").is_dir()
    for place, folders, names in os.walk(folder):
        if ours and place == str(folder / "lib"):
            folders[:] = ["cnbkit"]
        folders[:] = [name for name in folders if name not in ("__pycache__", "testing")]
        for name in names:
            path = os.path.join(place, name)
            if stat.S_ISREG(os.lstat(path).st_mode):
                yield path

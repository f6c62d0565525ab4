"""The interpreter of the run image, as far as the build can know it."""

from __future__ import annotations

__all__ = ["base_python"]

# Written into the build image when both images are made; other builders have no such file,
# and nothing else in a build tells what the run image holds.
_RECORD = "/usr/share/cnbkit/run-image/python-version"


def base_python() -> str:
    """The version of `/usr/bin/python3` on the run image; empty if unknown or none."""
    try:
        with open(_RECORD, encoding="ascii") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""

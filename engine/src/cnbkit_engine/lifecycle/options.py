"""Options of the lifecycle's programs that say where things are in a phase's sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "APP",
    "BUILDPACKS",
    "CACHE",
    "DETECTOR",
    "EXTENSIONS",
    "LAUNCHER",
    "LAYERS",
    "NOTHING",
    "ORDER",
    "OWNER",
    "PLATFORM",
    "UID",
    "layers_folder",
]

APP = ("-app", "/workspace")
LAYERS = ("-layers", "/layers")
BUILDPACKS = ("-buildpacks", "/cnb/buildpacks")
ORDER = ("-order", "/cnb/order.toml")
PLATFORM = ("-platform", "/platform")
DETECTOR = (*ORDER, *APP, *LAYERS, *BUILDPACKS, *PLATFORM)
"""Where the detector finds what it works on."""
EXTENSIONS = ("-extensions", "/cnb/extensions", "-analyzed", "/layers/analyzed.toml")
"""Likewise, where the builder has image extensions: their generator writes analyzed.toml anew."""

CACHE = ("-cache-dir", "/cache")
LAUNCHER = ("-launcher", "/cnb/lifecycle/launcher")
UID = 1000  # the build image's user, and its group
OWNER = ("-uid", str(UID), "-gid", str(UID))
NOTHING = "/nonexistent"


def layers_folder(space: Path, phase: str) -> Path:
    """A new folder to be a phase's `/layers`."""
    place = space / f"{phase}-layers"
    place.mkdir()
    # Layer tars include the parent directory: set its mode, or umask leaks into the digest.
    place.chmod(0o755)
    return place

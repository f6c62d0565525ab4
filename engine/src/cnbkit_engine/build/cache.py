"""Where a build keeps an app's cache, by the name of its image."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.oci.reference import Reference
    from cnbkit_engine.state.home import Home

__all__ = ["app_cache", "image_lock"]

_SHOWN = 60
_DIGITS = 16


def app_cache(home: Home, reference: Reference, arch: str = "") -> Path:
    """The cache folder of an image, of its own for each name.

    Its name begins as the image's, for people; the digest behind it tells apart what would be the
    same without the characters that a folder's name cannot have, or is too long for one.

    Args:
        home: where caches are.
        reference: the image; all spellings of its name have one cache.
        arch: set for images of another architecture than this machine's.
    """
    return home.cache / (_key(reference) + (f"-{arch}" if arch else ""))


def image_lock(home: Home, reference: Reference) -> Path:
    """What to lock (`once.locked`) while an image of this name is made or changed."""
    return home.cache / _key(reference)


def _key(reference: Reference) -> str:
    from hashlib import sha256

    name = reference.stored
    shown = "".join(char if char.isalnum() or char in "-_." else "_" for char in name)
    return f"{shown[:_SHOWN]}-{sha256(name.encode()).hexdigest()[:_DIGITS]}"

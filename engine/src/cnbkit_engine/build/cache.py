"""Where a build keeps an app's cache, by the repository of its image."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.oci.reference import Reference
    from cnbkit_engine.state.home import Home

__all__ = ["LOG", "app_cache", "image_lock"]

LOG = "last.log"
"""In a cache: what the last build said."""

_SHOWN = 60
_DIGITS = 16


def app_cache(home: Home, reference: Reference, *variant: str) -> Path:
    """The cache folder of an app, one for all tags of its image.

    Each commit may have a tag of its own and still finds what the last build kept. The folder's
    name begins as the repository's, for people; the digest behind it tells apart what would be the
    same without the characters that a folder's name cannot have, or is too long for one.

    Args:
        home: where caches are.
        reference: the image; all spellings of its name have one cache.
        variant: what tells images of one app apart that are built beside each other: another
            architecture than this machine's, the hardware.
    """
    return home.cache / _key(reference.familiar, *filter(None, variant))


def image_lock(home: Home, reference: Reference) -> Path:
    """What to lock (`once.locked`) while an image of this name is made or changed."""
    return home.cache / _key(reference.stored)


def _key(name: str, *variant: str) -> str:
    from hashlib import sha256

    told = "+".join((name, *variant))
    shown = "".join(char if char.isalnum() or char in "-_." else "_" for char in told)
    return f"{shown[:_SHOWN]}-{sha256(told.encode()).hexdigest()[:_DIGITS]}"

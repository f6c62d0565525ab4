"""What a build that failed has fetched, for the next build of the same image.

Buildpacks keep what they fetch in `/layers/.fetched` (`BuildContext.fetched`), beside their layers,
so that it can be linked into them. Of a build that succeeds nothing of it is needed any more.
It is moved only while nothing runs in the build's sandbox, by its own name: what lies in it is
never opened, and a link in its place is moved as a link.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from cnbkit_engine.state.beneath import Folder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FETCHED", "give_back", "keep"]

FETCHED = ".fetched"


def keep(layers: Path, cache: Path) -> bool:
    """Take it out of the builder's `/layers`; whether there was anything.

    Args:
        layers: the builder's, in which nothing runs any more.
        cache: the folder of the image, which no build can write to.
    """
    return _moved(layers, cache)


def give_back(cache: Path, layers: Path) -> bool:
    """Put it where the next build looks for it; whether there was anything."""
    return _moved(cache, layers)


def _moved(here: Path, there: Path) -> bool:
    # A build depends on none of it: on another disk, or a full one, it is fetched again.
    with suppress(OSError), Folder(here) as source, Folder(there) as target:
        if source.is_folder(FETCHED):
            source.move(FETCHED, target, FETCHED)
            return True
    return False

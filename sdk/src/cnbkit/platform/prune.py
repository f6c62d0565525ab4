"""Give back disk space: whatever no image and no recent build needs.

Everything removed is made again when it is needed; images that have a name stay.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cnbkit.errors import CnbkitError
from cnbkit.platform.image import Image
from cnbkit.platform.once import locked
from cnbkit.platform.workspace import remove_tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cnbkit.platform.home import Home
    from cnbkit.platform.store import ImageStore

__all__ = ["prune"]


def prune(home: Home, store: ImageStore, *, unused: float = 7 * 86400.0) -> int:
    """Remove what nothing needs; returns bytes freed.

    - blobs of the store no image refers to;
    - unpacked layers no image has;
    - base images and assembled buildpacks no build has used for a while.

    Args:
        home: where it all is.
        store: the images.
        unused: seconds since the last use after which a base or a set of buildpacks goes.

    Raises:
        PlatformFault: the store is damaged, or the disk refuses.
    """
    freed = store.prune()
    needed = set(_diff_ids(store))
    for folder in _visible(home.layers):
        if f"sha256:{folder.name}" not in needed:
            freed += _remove(folder)
    for parent in (home.base, home.buildpacks):
        for folder in _visible(parent):
            if folder.stat().st_mtime < time.time() - unused:
                freed += _remove(folder)
    return freed


def _diff_ids(store: ImageStore) -> Iterator[str]:
    for name in store.names():
        try:
            image = Image.from_store(store, name)
        except CnbkitError:
            continue  # another platform's, or no image at all: it has nothing unpacked here
        yield from (layer.diff_id for layer in image.layers)


def _visible(parent: Path) -> list[Path]:
    # Names that begin with a dot are locks, and workspaces of somebody who is at work.
    if not parent.is_dir():
        return []
    return [path for path in sorted(parent.iterdir()) if path.is_dir() and path.name[0] != "."]


def _remove(folder: Path) -> int:
    size = sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
    with locked(folder):
        # Renamed first: whoever looks finds it whole or not at all.
        gone = folder.with_name(f".gone-{folder.name}")
        folder.rename(gone)
        remove_tree(gone)
    return size

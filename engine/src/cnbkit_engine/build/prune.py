"""Give back disk space: whatever no image and no recent build needs.

Everything removed is made again when it is needed; images that have a name stay.
"""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING

from cnbkit.errors import CnbkitError
from cnbkit_engine.build.cache import LOG
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.unpacked import diff_id_of
from cnbkit_engine.state.discard import discarded
from cnbkit_engine.state.disk import disk_fault
from cnbkit_engine.state.locks import locked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.state.home import Home

__all__ = ["prune"]


def prune(
    home: Home,
    store: ImageStore,
    *,
    unused: float = 7 * 86400.0,
    replaced: float = 86400.0,
    waiting: Callable[[str], None] | None = None,
) -> int:
    """Remove what nothing needs; returns bytes freed.

    - blobs of the store no image refers to;
    - unpacked layers no image has and nothing that runs stands on;
    - base images, assembled buildpacks and their libraries no build has used for a while;
    - assembled buildpacks that have been assembled anew since, because a source has changed;
    - caches of apps that have not been built for a while.

    Args:
        home: where it all is.
        store: the images.
        unused: seconds since the last use after which a base, a set of buildpacks or an app's
            cache goes; one of an older state of its sources goes after `replaced`.
        replaced: also seconds; longer than a build takes.
        waiting: told, if another prune has to end first, which process that is.

    Raises:
        PlatformFault: the store is damaged, or the disk refuses.
    """
    with locked(home.root / "prune", waiting):
        return _prune(home, store, unused, replaced)


def _prune(home: Home, store: ImageStore, unused: float, replaced: float) -> int:
    freed = store.prune()
    needed = set(_diff_ids(store))
    for folder in _visible(home.layers):
        if diff_id_of(folder) not in needed:
            freed += _remove(folder)
    now = time.time()
    # Libraries last: what is linked into a set that stays gives nothing back.
    for parent in (home.base, home.buildpacks, home.libraries):
        for folder in _visible(parent):
            freed += _remove(folder, now - unused)
    for folder in _visible(home.cache):
        if _last_build(folder) < now - unused:
            freed += _remove(folder)
    for folder in _replaced(home.buildpacks):
        freed += _remove(folder, now - replaced)
    return freed


def _last_build(cache: Path) -> float:
    try:
        return (cache / LOG).stat().st_mtime
    except FileNotFoundError:
        return cache.stat().st_mtime


def _replaced(parent: Path) -> Iterator[Path]:
    """Sets of buildpacks of which there is a newer one with the same order."""
    newest: dict[bytes, Path] = {}
    for folder in sorted(_visible(parent), key=lambda each: each.stat().st_mtime, reverse=True):
        order = folder / "order.toml"
        if order.is_file() and newest.setdefault(order.read_bytes(), folder) != folder:
            yield folder


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


def _remove(folder: Path, before: float = float("inf")) -> int:
    """Remove a folder nobody uses, nor has since a time; returns the bytes freed."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return 0  # gone already, or another user's
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return 0  # something that runs stands on it
    try:
        if folder.stat().st_mtime >= before:
            return 0  # a build has begun to use it since
        with discarded(folder) as gone:
            return sum(
                status.st_size
                for path in gone.rglob("*")
                if not path.is_dir() and (status := path.lstat()).st_nlink == 1
            )
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise disk_fault(error, "cannot remove what nothing needs", folder) from error
    finally:
        os.close(handle)

"""What assembled buildpacks import besides cnbkit, fetched and compiled once.

Every edit of the SDK or of a buildpack assembles anew, and most of a buildpack is other people's
packages, which its lock pins. They are kept with their bytecode and linked into each new assembly,
so that these share the disk as well.

<home.libraries>/<digest>/     what `lib/` of one buildpack holds besides cnbkit
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from cnbkit_engine.buildpack.assemble import CORE_FOLDER, LIBRARY_FOLDER, link_tree, locks

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.buildpack.assemble import Runtime
    from cnbkit_engine.buildpack.source import BuildpackSource
    from cnbkit_engine.state.home import Home

__all__ = ["Libraries"]

_LAYOUT = 1


class Libraries:
    """The libraries of one builder's buildpacks.

    Args:
        home: they are in `home.libraries`.
        runtime: the Python they are for.
        root: the root file system of the Python that compiles them.
    """

    def __init__(self, home: Home, runtime: Runtime, root: Path) -> None:
        self._home = home
        self._made_for = f"{_LAYOUT} {runtime.python} {runtime.version} {runtime.arch} {root}"
        self._kept: list[str] = []
        self._new: dict[str, Path] = {}

    def find(self, source: BuildpackSource, place: str) -> Path | None:
        """The folder to link from; None if the buildpack has to fetch its own.

        Args:
            source: the buildpack.
            place: where it will be below `/cnb/buildpacks`; bytecode names files by that.
        """
        total = hashlib.sha256(f"{self._made_for} {place}".encode())
        for lock in locks(source):
            data = lock.read_bytes()
            total.update(f" {len(data)} ".encode() + data)
        folder = self._home.libraries / total.hexdigest()[:32]
        try:
            os.utime(folder)  # `prune` goes by this
        except OSError:
            self._new[place] = folder
            return None
        self._kept.append(place)
        return folder

    def compiled(self, place: str) -> bool:
        """Whether a buildpack's library came with its bytecode."""
        return place in self._kept

    def keep(self, folder: Path) -> None:
        """Keep what was fetched, now that it is compiled.

        Args:
            folder: the buildpacks.
        """
        from cnbkit_engine.state.workspace import Workspace

        for place, kept in self._new.items():
            with Workspace(self._home.libraries) as space:
                fresh = space / "library"
                link_tree(folder / place / LIBRARY_FOLDER, fresh, without=CORE_FOLDER)
                try:
                    fresh.rename(kept)
                except OSError:
                    if not kept.is_dir():  # else another build was faster
                        raise

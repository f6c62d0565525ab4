"""What assembled buildpacks import besides cnbkit, fetched and compiled once.

Every edit of the SDK or of a buildpack assembles anew, and most of a buildpack is other people's
packages, which its lock pins. They are kept with their bytecode and linked into each new assembly,
so that these share the disk as well.

<home.libraries>/<digest>/          what `lib/` of one buildpack holds besides cnbkit
<home.libraries>/package-<digest>/  a buildpack that came in a package
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from cnbkit_engine.buildpack.assemble import CORE_FOLDER, LIBRARY_FOLDER, link_tree, locks
from cnbkit_engine.state.tree_record import is_sound, record_tree

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.buildpack.assemble import Runtime
    from cnbkit_engine.buildpack.foreign import ForeignBuildpack
    from cnbkit_engine.buildpack.source import BuildpackSource
    from cnbkit_engine.state.home import Home

__all__ = ["Libraries", "content_digest"]

_LAYOUT = 3


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
            place: where it will be below `/cnb/buildpacks`.
        """
        total = hashlib.sha256(self._made_for.encode())
        for lock in locks(source):
            data = lock.read_bytes()
            total.update(f" {len(data)} ".encode() + data)
        folder = self._home.libraries / total.hexdigest()[:32]
        try:
            os.utime(folder)  # `prune` goes by this
            whole = is_sound(folder)
        except OSError:
            whole = False
        if not whole:
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
                    if kept.is_dir() and not is_sound(kept):
                        kept.rename(space / "damaged")
                    record_tree(fresh, kept)
                    fresh.rename(kept)
                except OSError:
                    if not kept.is_dir():  # else another build was faster
                        raise

    def lay_out_package(self, part: ForeignBuildpack, out: Path) -> None:
        """Write a buildpack of a package, linked to the same files of earlier assemblies.

        Args:
            part: the buildpack, in a folder that goes when the assembly ends.
            out: a folder that does not exist yet.

        Raises:
            PlatformFault: a file cannot be read, or the disk is full.
        """
        from cnbkit_engine.state.disk import mark_used
        from cnbkit_engine.state.locks import made_once

        kept = self._home.libraries / f"package-{content_digest(part.directory)[:32]}"
        made_once(kept, part.copy)
        mark_used(kept)
        out.parent.mkdir(parents=True, exist_ok=True)
        link_tree(kept, out)


def content_digest(folder: Path) -> str:
    """A digest of the files in a folder: their names, contents, and whether they are programs."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            total.update(f"{path.relative_to(folder)}\0{os.readlink(path)}\0".encode())
        elif path.is_file():
            status = path.stat()
            mode = "x" if status.st_mode & 0o111 else ""
            total.update(f"{path.relative_to(folder)}\0{mode}{status.st_size}\0".encode())
            with path.open("rb") as file:
                total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()

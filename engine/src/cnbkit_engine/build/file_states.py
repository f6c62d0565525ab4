"""What files hold, without reading again those that have not changed.

A file's contents are known again while inode, size and both of its times are the same: the time of
change (ctime) moves with every write and cannot be set back. Clocks are coarse, so a file that was
changed shortly before it was read is read again the next time, as git does it.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from typing import TYPE_CHECKING

from cnbkit_engine.state.beneath import Folder, Unfit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cnbkit_engine.build.app_files import AppFiles

__all__ = ["FileStates", "NotPlain"]

_SETTLED = 2_000_000_000  # nanoseconds; file systems that count whole seconds exist
_DEEPEST = 200


class NotPlain(Exception):
    """There is something whose contents cannot be known: a pipe, a device, too many folders."""


class FileStates:
    """Digests of files, and of trees of them.

    Args:
        known: what the last one knew: by a file's place its state and its digest.
    """

    def __init__(self, known: Mapping[str, tuple[str, str]]) -> None:
        self._before = known
        self._now = time.time_ns()
        self.known: dict[str, tuple[str, str]] = {}

    def tree(self, place: Path, files: AppFiles | None = None) -> str:
        """A digest of names, kinds, contents, links and who may run what, of a folder or a file.

        Args:
            place: the folder; a link to it is followed.
            files: which of its files count; all if None.

        Raises:
            NotPlain: there is something else than files, folders and links.
            OSError: something cannot be read.
        """
        total = hashlib.sha256()
        real = place.resolve()
        if real.is_dir():
            with Folder(real) as folder:
                self._folder(folder, f"{real}/", "", files, total, 0)
        else:
            with Folder(real.parent) as folder:
                total.update(self._entry(folder, f"{real.parent}/", "", real.name).encode())
        return total.hexdigest()

    def _folder(
        self,
        folder: Folder,
        top: str,
        below: str,
        files: AppFiles | None,
        total: hashlib._Hash,
        depth: int,
    ) -> None:
        if depth > _DEEPEST:
            raise NotPlain(below)
        for name in folder.names():
            path = f"{below}{name}"
            if files is not None and files.never(name):
                continue
            if folder.is_folder(name):
                # Folders that are not chosen count by name: files in them may be chosen.
                with folder.folder(name) as deeper:
                    environment = files is not None and deeper.is_file("pyvenv.cfg")
                    total.update(_line(path, "environment" if environment else "folder"))
                    if not environment:
                        self._folder(deeper, top, f"{path}/", files, total, depth + 1)
            elif files is None or files.chosen(path):
                total.update(
                    self._entry(folder, top, below, name).encode("utf-8", "surrogateescape")
                )

    def _entry(self, folder: Folder, top: str, below: str, name: str) -> str:
        status = folder.status(name)
        path = f"{below}{name}"
        if stat.S_ISLNK(status.st_mode):
            return f"{path}\0link\0{folder.link(name)}\n"
        if not stat.S_ISREG(status.st_mode):
            raise NotPlain(path)
        run = "program" if status.st_mode & stat.S_IXUSR else "file"
        return f"{path}\0{run}\0{self._digest(folder, name, top + path)}\n"

    def _digest(self, folder: Folder, name: str, key: str) -> str:
        try:
            handle = folder.open_file(name)
        except Unfit as unfit:
            raise NotPlain(key) from unfit
        with open(handle, "rb", buffering=0) as file:
            status = os.fstat(handle)
            state = (
                f"{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}"
                f":{status.st_ctime_ns}"
            )
            before = self._before.get(key)
            if before and before[0] == state:
                digest = before[1]
            else:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        if status.st_ctime_ns + _SETTLED < self._now:
            self.known[key] = (state, digest)
        return digest


def _line(path: str, kind: str) -> bytes:
    return f"{path}\0{kind}\n".encode("utf-8", "surrogateescape")

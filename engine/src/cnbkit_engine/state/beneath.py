"""Folders that a build's code can write to, read and changed from outside without following links.

Build code may leave anything in them: links to the host's files, pipes nobody writes to, devices,
a folder where a file was, hundreds of nested folders. A path names whatever is there at the
moment; so every access here starts at an open folder, follows no link in any component, and looks
at what it has opened before it reads.

Nothing else in the engine opens, lists, renames or removes below such a folder
(tests/engine/state/test_beneath.py reads the source for it).
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from cnbkit_engine.state.openat import DIRECTORY, Parent, open_below
from cnbkit_engine.state.removal import remove_below, unlock

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Folder", "Unfit"]

# Without O_NONBLOCK, opening a pipe waits for somebody to write to it.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Unfit(Exception):
    """What is there is not what was to be read: a link, a pipe, a device, or too large.

    Attributes:
        name: where, relative to the folder.
        what: what is there, with its article.
    """

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{name}: {what}")
        self.name = name
        self.what = what


class Folder:
    """An open folder; for use in a `with` block.

    Names are relative, of one or several components; none may be `..`, and none is followed if it
    is a link.

    Args:
        path: a folder the engine has made itself; its own last component is not followed either.
        within: the folder `path` is relative to; None for a path of the host.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str], within: Folder | None = None) -> None:
        if within is None:
            self._fd = os.open(path, DIRECTORY)
        else:
            self._fd = within._open(os.fspath(path), DIRECTORY)

    def __enter__(self) -> Folder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._fd)

    def folder(self, name: str) -> Folder:
        """A folder below this one, to be closed by a `with` block of its own.

        Raises:
            OSError: there is none; NotADirectoryError or ELOOP if there is something else.
        """
        return Folder(name, self)

    def status(self, name: str = "") -> os.stat_result:
        """What is at a name, a link itself if it is one; of this folder if no name is given.

        Raises:
            OSError: there is nothing.
        """
        if not name:
            return os.fstat(self._fd)
        with self._parent(name) as (parent, last):
            return os.stat(last, dir_fd=parent, follow_symlinks=False)

    def is_folder(self, name: str) -> bool:
        """Whether there is a folder of that name, and not a link to one."""
        try:
            return stat.S_ISDIR(self.status(name).st_mode)
        except OSError:
            return False

    def is_file(self, name: str) -> bool:
        """Whether there is a regular file of that name, and not a link to one."""
        try:
            return stat.S_ISREG(self.status(name).st_mode)
        except OSError:
            return False

    def set_like(self, status: os.stat_result, *, mode: int | None = None) -> None:
        """Give this folder the mode, unless it is to have its own, and the times of another."""
        os.fchmod(self._fd, stat.S_IMODE(status.st_mode) if mode is None else mode)
        os.utime(self._fd, ns=(status.st_atime_ns, status.st_mtime_ns))

    def names(self) -> list[str]:
        """Names of what is in the folder, sorted by their bytes, as Go sorts them."""
        return [os.fsdecode(name) for name in sorted(map(os.fsencode, os.listdir(self._fd)))]

    def link(self, name: str) -> str:
        """Where a link points; what that is does not matter.

        Raises:
            OSError: there is no link.
        """
        with self._parent(name) as (parent, last):
            return os.readlink(last, dir_fd=parent)

    def open_file(self, name: str) -> int:
        """Open a regular file for reading; returns the descriptor, which the caller closes.

        Raises:
            Unfit: there is something else.
            OSError: there is nothing, or it may not be read.
        """
        try:
            handle = self._open(name, _FILE)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO, errno.ENODEV):
                raise Unfit(name, self.kind(name)) from None
            raise
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            os.close(handle)
            raise Unfit(name, _kind(mode))
        return handle

    def read(self, name: str, limit: int) -> bytes:
        """Contents of a regular file of at most `limit` bytes.

        Raises:
            Unfit: it is larger, or no regular file.
            OSError: there is nothing, or it may not be read.
        """
        handle = self.open_file(name)
        try:
            if os.fstat(handle).st_size > limit:
                raise Unfit(name, f"a file of more than {limit} bytes")
            data = bytearray()
            while piece := os.read(handle, min(1 << 20, limit + 1 - len(data))):
                data += piece
                if len(data) > limit:  # it has grown, or is a file that has no size
                    raise Unfit(name, f"a file of more than {limit} bytes")
            return bytes(data)
        finally:
            os.close(handle)

    def write(self, name: str, data: bytes, mode: int = 0o644) -> None:
        """Put a new regular file at a name; whatever was there is removed first.

        Raises:
            OSError: the folder cannot be written.
        """
        self.remove(name)
        handle = self.create(name, mode)
        try:
            while data:
                data = data[os.write(handle, data) :]
        finally:
            os.close(handle)

    def create(self, name: str, mode: int = 0o600) -> int:
        """Make a file that is not there yet; returns a descriptor, which the caller closes.

        Raises:
            OSError: there is something already, or the folder cannot be written.
        """
        with self._parent(name) as (parent, last):
            handle = os.open(last, _NEW, 0o600, dir_fd=parent)
            folder = os.fstat(parent)
        if folder.st_uid != os.geteuid() == 0:
            # Root's sandboxes are another user, who may have to write it in turn.
            os.fchown(handle, folder.st_uid, folder.st_gid)
        os.fchmod(handle, mode)  # whatever the umask
        return handle

    def make(self, name: str, mode: int = 0o755) -> None:
        """Make a folder that is not there yet.

        Raises:
            OSError: there is something already, or the folder cannot be written.
        """
        with self._parent(name) as (parent, last):
            os.mkdir(last, dir_fd=parent)
            os.chmod(last, mode, dir_fd=parent)  # just made by us, and so no link

    def make_link(self, name: str, target: str) -> None:
        """Make a link that is not there yet.

        Raises:
            OSError: there is something already, or the folder cannot be written.
        """
        with self._parent(name) as (parent, last):
            os.symlink(target, last, dir_fd=parent)

    def move(self, name: str, to: Folder, new: str) -> None:
        """Move what is at a name, a link itself if it is one, to a free name elsewhere.

        Raises:
            OSError: there is nothing, or something in the way, or another disk.
        """
        with self._parent(name) as (parent, last), to._parent(new) as (target, last_new):
            with suppress(FileNotFoundError):
                os.stat(last_new, dir_fd=target, follow_symlinks=False)
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new)
            if stat.S_ISDIR(os.stat(last, dir_fd=parent, follow_symlinks=False).st_mode):
                # Its `..` changes, for which it has to be writable.
                unlock(parent, last)
            os.rename(last, last_new, src_dir_fd=parent, dst_dir_fd=target)

    def remove(self, name: str) -> None:
        """Remove what is at a name, with all that is in it; nothing if there is nothing.

        Neither modes nor depth hinder it.

        Raises:
            OSError: the disk refuses, or something is another user's.
        """
        with suppress(FileNotFoundError), self._parent(name) as (parent, last):
            remove_below(parent, last)

    def kind(self, name: str) -> str:
        """What is at a name, in words for people: `a link`."""
        try:
            return _kind(self.status(name).st_mode)
        except OSError:
            return "a link on the way there"

    def _open(self, name: str, flags: int) -> int:
        return open_below(self._fd, name, flags)

    def _parent(self, name: str) -> Parent:
        return Parent(self._fd, name)


def _kind(mode: int) -> str:
    for test, what in (
        (stat.S_ISREG, "a file"),
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISLNK, "a link"),
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
    ):
        if test(mode):
            return what
    return "a device"

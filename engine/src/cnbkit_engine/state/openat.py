"""Opening a name below an open folder without following a link in any component of it.

`openat2(2)` does it in one call. Where there is none (a kernel before 5.6, or a sandbox whose
filter does not know it), the components are opened one after the other.
"""

from __future__ import annotations

import errno
import os
import struct

__all__ = ["DIRECTORY", "Parent", "open_below", "parts_of"]

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_OPENAT2 = 437  # the same number on every architecture
_NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH = 0x02, 0x04, 0x08
_WITHOUT = {errno.ENOSYS, errno.EPERM, errno.EAGAIN}


def open_below(folder: int, name: str, flags: int) -> int:
    """Open a relative name of one or several components; returns the descriptor.

    Raises:
        OSError: there is nothing, or a link on the way.
        ValueError: the name is empty, absolute, or has a `..`.
    """
    parts = parts_of(name)
    if len(parts) == 1:
        return os.open(parts[0], flags, dir_fd=folder)
    if not parts:
        raise ValueError("no name")
    try:
        return _openat2(folder, "/".join(parts), flags)
    except OSError as error:
        if error.errno not in _WITHOUT:
            raise
    with Parent(folder, name) as (parent, last):
        return os.open(last, flags, dir_fd=parent)


class Parent:
    """The folder that holds a name's last component, opened component by component.

    For use in a `with` block, which gets the open folder and the last component.
    """

    def __init__(self, fd: int, name: str) -> None:
        parts = parts_of(name)
        if not parts:
            raise ValueError("no name")
        self._root = self._fd = fd
        self._parts = parts

    def __enter__(self) -> tuple[int, str]:
        for part in self._parts[:-1]:
            try:
                deeper = os.open(part, DIRECTORY, dir_fd=self._fd)
            finally:
                self._close()
            self._fd = deeper
        return self._fd, self._parts[-1]

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        if self._fd != self._root:
            os.close(self._fd)
            self._fd = self._root


def parts_of(name: str) -> list[str]:
    """The components of a relative name.

    Raises:
        ValueError: it is absolute, or one is `..`.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts:
        raise ValueError(f"not below the folder: {name!r}")
    return parts


def _openat2(fd: int, name: str, flags: int) -> int:
    """`openat2(2)`, which Python and the C library have no function for."""
    import ctypes  # most accesses are to a name of one component, which needs none of this

    how = struct.pack("=QQQ", flags, 0, _BENEATH | _NO_SYMLINKS | _NO_MAGICLINKS)
    syscall = ctypes.CDLL(None, use_errno=True).syscall
    handle: int = syscall(_OPENAT2, fd, os.fsencode(name), how, ctypes.c_size_t(len(how)))
    if handle < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)
    return handle

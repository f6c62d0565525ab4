"""What the operating system says when it refuses, as faults: the one place errno is read.

Also what makes a write last: a rename survives a power cut only if the file was on the disk before.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import IO, TYPE_CHECKING

from cnbkit.errors import PlatformFault

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = [
    "StoreFull",
    "disk_fault",
    "mark_used",
    "open_regular",
    "read_regular",
    "replace_file",
    "said_by_program",
    "sync_files",
    "sync_folder",
]

_AT_ONCE = 16
_HOME = "or set CNBKIT_HOME to a folder"


class StoreFull(PlatformFault):
    """The disk, its inodes or a quota are used up."""


def disk_fault(error: OSError, what: str, path: Path | str) -> PlatformFault:
    """The fault that says why something could not be read or written, and what helps.

    Args:
        error: what the system said.
        what: what could not be done, without a full stop.
        path: where; the file the error names counts where it names one.
    """
    where = os.fspath(error.filename or path) if isinstance(error.filename, str) else str(path)
    reason, remedy = _meaning(error, where)
    kind = StoreFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else PlatformFault
    return kind(f"{what}: {reason}", where=where, remedy=remedy, detail=str(error))


def mark_used(path: Path) -> None:
    """Note that something is used now: `prune` goes by that.

    Raises:
        PlatformFault: the file system refuses, by this path (Python does not name it).
    """
    try:
        os.utime(path)
    except OSError as error:
        raise disk_fault(error, "cannot note that this is used", path) from None


def said_by_program(text: str) -> OSError:
    """The system's error in what a program says of it, in its last lines.

    Args:
        text: the program's standard error, in English.
    """
    lines = text.splitlines()[-5:]
    codes = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO,
             errno.EMFILE, errno.ENAMETOOLONG)  # fmt: skip
    for code in codes:
        if any(os.strerror(code) in line for line in lines):
            return OSError(code, "\n".join(lines))
    return OSError(0, "\n".join(lines) or "it does not say why")


def _meaning(error: OSError, where: str) -> tuple[str, str]:
    match error.errno:
        case errno.ENOSPC if _no_inodes(where):
            return (
                "the file system has no room for another file (inodes)",
                f"remove files there (`df -i` shows it), {_HOME} on another one",
            )
        case errno.ENOSPC:
            return "the disk is full", f"free space there, {_HOME} on a larger disk"
        case errno.EDQUOT:
            return "the disk quota is used up", f"remove files of yours, {_HOME} elsewhere"
        case errno.EROFS:
            return "the file system is read-only", f"mount it writable, {_HOME} that is"
        case errno.EACCES | errno.EPERM:
            return (
                "permission denied",
                f"give it to the user who runs cnbkit, {_HOME} of theirs",
            )
        case errno.EMFILE | errno.ENFILE:
            return "too many open files", "raise the limit (`ulimit -n 1024`) and try again"
        case errno.ENAMETOOLONG:
            return "the name is too long", "use a shorter name or path"
        case errno.ENOTDIR | errno.EEXIST:
            return "a file is in the way", f"move it away, {_HOME} elsewhere"
        case errno.ENOENT:
            return "it is not there", "see whether something else removes files there; try again"
        case errno.ELOOP:
            return "its links lead nowhere", "correct the links"
        case errno.EIO:
            return "the disk reports an error", "look at the system's log; `cnbkit doctor`"
        case _:
            return error.strerror or str(error), "see what the system's log says"


def _no_inodes(where: str) -> bool:
    path = os.path.abspath(where)
    while not os.path.exists(path) and path != "/":
        path = os.path.dirname(path)
    try:
        found = os.statvfs(path)
    except OSError:
        return False
    return found.f_files > 0 and found.f_favail == 0


def open_regular(path: Path) -> IO[bytes]:
    """Open a file for reading; never through a link, and without waiting for a pipe.

    Raises:
        OSError: it is not there, or not a regular file (EINVAL).
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    handle = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(handle, "rb")


def read_regular(path: Path, limit: int) -> bytes:
    """Read a small file, as `open_regular` opens it.

    Raises:
        OSError: it cannot be read, or is larger than the limit (EFBIG).
    """
    with open_regular(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, "unreasonably large", str(path))
    return data


def sync_files(paths: Iterable[Path]) -> None:
    """Wait until the content of files is on the disk.

    All at once: file systems with a journal then write it once or twice, not once for each file.

    Raises:
        OSError: the disk refuses, or one is gone.
    """
    from concurrent.futures import ThreadPoolExecutor

    wanted = list(paths)
    with ThreadPoolExecutor(min(len(wanted), _AT_ONCE) or 1) as pool:
        list(pool.map(_sync_file, wanted))


def _sync_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fdatasync(handle)
    finally:
        os.close(handle)


def sync_folder(path: Path) -> None:
    """Wait until a folder's names are on the disk.

    Raises:
        OSError: the disk refuses.
    """
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, also if the power goes.

    Raises:
        OSError: the disk refuses; the file is as before.
    """
    temporary = path.with_name(f".{path.name}-{os.urandom(8).hex()}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fdatasync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise

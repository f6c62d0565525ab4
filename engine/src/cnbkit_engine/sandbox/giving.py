"""Gives files and folders of cnbkit's own to the user that root's sandboxes run as.

A wrong path must cost nothing: `/`, given, would take the machine from root. So all that is given
lies below a folder the caller names (links of root's may lead on), on one mount, and has been
root's or that user's. And a file
may have other names: a buildpack's libraries are links to an installer's cache, that to what root
itself runs. Only the owner of all its names is given away.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault
from cnbkit_engine.state.disk import disk_fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnbkit_engine.sandbox.owner import HostUser

__all__ = ["give"]

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# What file systems answer that know no owners, or root of a namespace that has not that user.
_NO_OWNERS = (errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EOVERFLOW)
_OTHERS = "set CNBKIT_HOME to a folder that cnbkit alone uses, or start cnbkit as an ordinary user"


def give(path: Path, user: HostUser | None, *, within: Path) -> None:
    """Make a file, or a folder and all in it, the sandboxes' own; links in it are not followed.

    A folder that already is counts as given with all in it, but for what lies directly in the one
    that is named. Programs lose setuid and setgid by it. A file that also has a name elsewhere
    stays as it is, if others may read it; otherwise the user gets a copy.

    Args:
        path: what to give.
        user: whom to; with None nothing happens.
        within: the folder of cnbkit's own that it has to be below.

    Raises:
        PlatformFault: it is not below that folder, something is mounted in it, or it is neither
            root's nor the user's; or the file system knows no owners, or refuses.
    """
    if user is None:
        return
    try:
        known = path.lstat()
        _check(path, known, user, within)
        if stat.S_ISDIR(known.st_mode):
            handle = os.open(path, _DIRECTORY)
            try:
                _Gift(path, user, known.st_dev).entries(handle)
            finally:
                os.close(handle)
            if known.st_uid != user.uid:
                os.chown(path, user.uid, user.gid, follow_symlinks=False)
        elif known.st_uid != user.uid:
            with _opened(path.parent) as parent:
                _give_file(parent, path.name, known, user, own=known.st_nlink == 1)
    except OSError as error:
        if error.errno not in _NO_OWNERS:
            raise disk_fault(error, "what a sandbox needs cannot be prepared", path) from error
        raise PlatformFault(
            "what a sandbox needs cannot be given to the unprivileged user it runs as",
            where=str(path),
            remedy="set CNBKIT_HOME to a folder on ext4, xfs or btrfs, or start cnbkit as an"
            " ordinary user",
            detail=str(error),
        ) from error


def _check(path: Path, known: os.stat_result, user: HostUser, within: Path) -> None:
    # Of the named one itself a link is not followed; on the way to it there may be some.
    real = Path(os.path.realpath(path.parent)) / path.name
    limit = Path(os.path.realpath(within))
    below = limit in real.parents or (
        # Root may have put a part of the state on another disk.
        within in path.parents and real not in (limit, *limit.parents) and _led_by_us(path, within)
    )
    if ".." in path.parts or limit == Path("/") or not below:
        raise _refused(path, f"it is not below {within}, which is cnbkit's own")
    if known.st_uid not in (os.geteuid(), user.uid):
        raise _refused(path, f"it belongs to user {known.st_uid}")


def _led_by_us(path: Path, within: Path) -> bool:
    """Whether nobody else can have made or moved a link on the way from one to the other."""
    way = [each for each in reversed(path.parents) if within in (each, *each.parents)]
    while way and not way[-1].is_symlink():
        way.pop()  # may be given already
    return all(each.lstat().st_uid == os.geteuid() for each in way)


def _refused(path: Path, reason: str) -> PlatformFault:
    return PlatformFault(
        "this is not given to the unprivileged user that sandboxes run as",
        where=str(path),
        remedy=_OTHERS,
        detail=reason,
    )


class _Gift:
    """One folder being given.

    Args:
        path: where it is.
        user: whom to.
        device: the file system it is on.
    """

    def __init__(self, path: Path, user: HostUser, device: int) -> None:
        self._path = path
        self._user = user
        self._device = device
        self._looked = False
        self._names: Counter[int] = Counter()

    def entries(self, folder: int) -> None:
        """Give what is in the open folder.

        A folder comes after all in it, so that one whose turn never came is not taken for given.
        """
        for entry, known in self._left(folder):
            self._look(folder)
            if stat.S_ISDIR(known.st_mode):
                with _opened(entry.name, folder) as handle:
                    self.entries(handle)
                os.chown(
                    entry.name, self._user.uid, self._user.gid, dir_fd=folder, follow_symlinks=False
                )
            else:
                own = known.st_nlink == 1 or self._names[known.st_ino] == known.st_nlink
                _give_file(folder, entry.name, known, self._user, own=own)

    def _look(self, top: int) -> None:
        """Before the first change: refuse what is mounted, and count the names of each file."""
        if self._looked:
            return
        self._looked = True
        here = os.path.realpath(self._path)
        for place in _mount_points():
            if place.startswith(f"{here}/"):
                raise _refused(self._path, f"something is mounted in it: {place}")
        self._count(top)

    def _count(self, folder: int) -> None:
        for entry, known in self._left(folder):
            if known.st_dev != self._device:
                raise _refused(self._path, f"{entry.name} in it is on another file system")
            if stat.S_ISDIR(known.st_mode):
                with _opened(entry.name, folder) as handle:
                    self._count(handle)
            elif known.st_nlink > 1:
                self._names[known.st_ino] += 1

    def _left(self, folder: int) -> Iterator[tuple[os.DirEntry[str], os.stat_result]]:
        """What is in a folder and not the user's."""
        for entry in list(os.scandir(folder)):
            known = entry.stat(follow_symlinks=False)
            if known.st_uid != self._user.uid:
                yield entry, known


def _give_file(folder: int, name: str, known: os.stat_result, user: HostUser, *, own: bool) -> None:
    """Give what is not a folder.

    Args:
        folder: the open folder that it is in.
        name: its name there.
        known: what is there.
        user: whom to.
        own: whether all its names are among what is given.
    """
    if own:
        os.chown(name, user.uid, user.gid, dir_fd=folder, follow_symlinks=False)
    elif stat.S_ISREG(known.st_mode) and not _readable(known.st_mode):
        new = f".copy-{os.urandom(8).hex()}"
        with (
            open(os.open(name, _FILE, dir_fd=folder), "rb") as source,
            open(os.open(new, _NEW, 0o600, dir_fd=folder), "wb") as copy,
        ):
            shutil.copyfileobj(source, copy)
            copy.flush()
            os.fchown(copy.fileno(), user.uid, user.gid)
            os.fchmod(copy.fileno(), stat.S_IMODE(known.st_mode) & 0o777)
            os.utime(copy.fileno(), ns=(known.st_atime_ns, known.st_mtime_ns))
        os.rename(new, name, src_dir_fd=folder, dst_dir_fd=folder)


def _readable(mode: int) -> bool:
    """Whether others may do with a file what its owner may, but for writing."""
    owner = mode >> 6 & 0o5
    return mode & owner == owner


@contextmanager
def _opened(name: str | Path, within: int | None = None) -> Iterator[int]:
    handle = os.open(name, _DIRECTORY, dir_fd=within)
    try:
        yield handle
    finally:
        os.close(handle)


def _mount_points() -> list[str]:
    lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    # Spaces, tabs, line ends and backslashes are written in octal.
    return [os.fsdecode(_unescaped(line.split(b" ")[4])) for line in lines]


def _unescaped(field: bytes) -> bytes:
    first, *others = field.split(b"\\")
    return first + b"".join(bytes([int(each[:3], 8)]) + each[3:] for each in others)

"""The copy of an app that a build works on: buildpacks may write into it.

The app's author may not be the one who builds it, and files may change while they are copied. So
links are copied as links, and the engine follows none. What is not a file, folder or link is left
out, and so is a link that leads out of the app.

Modes are those that git knows: what the owner may run is 0755, all else 0644. A host's umask would
be in the digests otherwise, and the image's user could not read what only its author may.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from cnbkit.errors import UserFault
from cnbkit_engine.build.lfs_pointers import is_pointer
from cnbkit_engine.build.secret_files import looks_like_secret
from cnbkit_engine.state.beneath import Folder, Unfit
from cnbkit_engine.state.disk import disk_fault
from cnbkit_engine.state.openat import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cnbkit_engine.build.app_files import AppFiles
    from cnbkit_engine.sandbox.sandbox import Bind

__all__ = ["Copied", "copy_app", "make_mount_point"]

_APP = "/workspace"  # where it is in the image
_PIECE = 1 << 30  # bytes for one call; the kernel copies them
_HOLES_SAID, _HOLES_REFUSED = 1 << 28, 1 << 32  # bytes of a file that were never written
_DEEPEST = 200  # each folder on the way down is open
_TOLD = 3  # levels of folders whose files are named: what they tell of an app stands there


class Copied:
    """What became of an app's files.

    Attributes:
        left_out: what is not part of it, with the reason, for people: `run/control: a socket`.
        not_chosen: how many files its own rules leave out.
        secrets: files that look like secrets, and were copied.
        pointers: files that Git LFS has elsewhere, of which only the pointers are here.
        sparse: files that for the most part were never written, with sizes, for people.
        paths: files and links that were copied, of the uppermost folders.
    """

    def __init__(self) -> None:
        self.left_out: list[str] = []
        self.not_chosen = 0
        self.secrets: list[str] = []
        self.pointers: list[str] = []
        self.sparse: list[str] = []
        self.paths: list[str] = []


def copy_app(app: Path, target: Path, files: AppFiles) -> Copied:
    """Copy an app.

    Args:
        app: its folder, or a link to it.
        target: to be made.
        files: which of its files.

    Raises:
        UserFault: folders are nested too deep, or a file is gigabytes of nothing.
        PlatformFault: something cannot be read or written.
    """
    copied = Copied()
    try:
        target.mkdir()
        with Folder(app.resolve()) as source, Folder(target) as copy:
            _Copy(files, copied).folder(source, copy, "")
            copy.set_like(source.status(), mode=0o755)
    except OSError as error:
        raise disk_fault(error, "cannot copy the app", app) from None
    return copied


def make_mount_point(volume: Bind, space: Path) -> None:
    """Have a place for a volume where this build's own folders lie over the build image's.

    Args:
        volume: what is to be mounted.
        space: this build's own folder, with the copy of the app.

    Raises:
        UserFault: there is no room, or the app has a link on the way.
    """
    if not volume.target.startswith(("/platform/", "/workspace/", "/home/cnb/", "/tmp/")):  # noqa: S108
        return
    place = volume.target.removeprefix("/").replace("home/cnb/", "home/", 1)
    try:
        with Folder(space) as folder:
            parts = parts_of(place)
            is_folder = volume.source.is_dir()
            for count in range(1, len(parts) + 1):
                step = "/".join(parts[:count])
                last = count == len(parts)
                if folder.is_folder(step) and (is_folder or not last):
                    continue
                if last and not is_folder:
                    if not folder.is_file(step):
                        os.close(folder.create(step, 0o644))
                else:
                    folder.make(step)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserFault(
            f"nothing can be mounted at {volume.target}: {reason}",
            where="--volume",
            remedy="name another place",
        ) from None


class _Copy:
    """One copy in progress."""

    def __init__(self, files: AppFiles, copied: Copied) -> None:
        self._files = files
        self._copied = copied

    def folder(self, source: Folder, copy: Folder, place: str, depth: int = 0) -> bool:
        """Copy what is in a folder; whether there was anything."""
        if depth > _DEEPEST:
            raise UserFault(
                f"folders are nested more than {_DEEPEST} deep",
                where=place[:300],
                remedy="remove them, or name a folder of the app that does not hold them",
            )
        any_copied = False
        for name in source.names():
            if self._files.never(name):
                continue
            path = f"{place}{name}"
            chosen = self._files.chosen(path)
            mode = source.status(name).st_mode
            if stat.S_ISDIR(mode):
                done = self._deeper(source, copy, path, name, depth, chosen=chosen)
            elif not chosen:
                self._copied.not_chosen += 1
                done = False
            elif stat.S_ISLNK(mode):
                done = self._link(source, copy, path, name)
            else:
                done = self._file(source, copy, path, name)
            if done and depth < _TOLD and not stat.S_ISDIR(mode):
                self._copied.paths.append(path)
            any_copied = any_copied or done
        return any_copied

    def _deeper(
        self, source: Folder, copy: Folder, path: str, name: str, depth: int, *, chosen: bool
    ) -> bool:
        with source.folder(name) as deeper:
            if deeper.is_file("pyvenv.cfg"):
                self._copied.left_out.append(f"{path}: a virtual environment")
                return False
            copy.make(name)
            with copy.folder(name) as new:
                done = self.folder(deeper, new, f"{path}/", depth + 1) or chosen
                new.set_like(deeper.status(), mode=0o755)
        if not done:
            copy.remove(name)
        return done

    def _link(self, source: Folder, copy: Folder, path: str, name: str) -> bool:
        target = source.link(name)
        if _leads_out(path, target):
            self._copied.left_out.append(f"{path}: a link out of the app, to {target}")
            return False
        copy.make_link(name, target)
        return True

    def _file(self, source: Folder, copy: Folder, path: str, name: str) -> bool:
        try:
            handle = source.open_file(name)
        except Unfit as unfit:
            self._copied.left_out.append(f"{path}: {unfit.what}")
            return False
        if looks_like_secret(path, handle):
            self._copied.secrets.append(path)
        size = os.fstat(handle).st_size
        if is_pointer(handle, size):
            self._copied.pointers.append(path)
        self._holes(path, size, _copy_file(handle, copy.create(name)))
        return True

    def _holes(self, path: str, size: int, holes: int) -> None:
        """An image has no holes: they are read, compressed and stored as zeros."""
        if holes > _HOLES_REFUSED:
            raise UserFault(
                f"{path} is {size / 1e9:.1f} GB, of which {holes / 1e9:.1f} GB were never written:"
                " in an image they would be zeros",
                where=path,
                remedy=f"leave it out: add {path} to .dockerignore, or to `exclude` in"
                " project.toml\nor give it to the app when it runs (cnbkit run --volume)",
            )
        if holes > _HOLES_SAID:
            self._copied.sparse.append(f"{path}: {holes / 1e9:.1f} of {size / 1e9:.1f} GB")


def _leads_out(path: str, target: str) -> bool:
    """Whether a link points to something that the image's app has not."""
    if target.startswith("/"):
        return not f"{os.path.normpath(target)}/".startswith(f"{_APP}/")
    end = os.path.normpath(f"{path.rpartition('/')[0] or '.'}/{target}")
    return end == ".." or end.startswith("../")


def _copy_file(source: int, copy: int) -> int:
    """Copy what is open, and close both: the name may stand for something else by now.

    Returns:
        how many bytes of it are holes, which stay holes.
    """
    try:
        status = os.fstat(source)
        size = status.st_size  # and no more, should it grow
        written = 0
        for start, end in _data(source, size):
            os.lseek(copy, start, os.SEEK_SET)
            while start < end and (
                count := os.sendfile(copy, source, start, min(end - start, _PIECE))
            ):
                start += count
                written += count
        os.ftruncate(copy, size)
        os.fchmod(copy, 0o755 if status.st_mode & stat.S_IXUSR else 0o644)
        os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
        return size - written
    finally:
        os.close(source)
        os.close(copy)


def _data(source: int, size: int) -> Iterator[tuple[int, int]]:
    """Where a file is more than holes, as its file system tells."""
    end = 0
    while end < size:
        try:
            start = os.lseek(source, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return  # a hole to its end
            raise
        end = min(os.lseek(source, start, os.SEEK_HOLE), size)
        yield start, end

"""The copy of an app that a build works on: buildpacks may write into it.

The app's author may not be the one who builds it, and files may change while they are copied. So
links are copied as links, wherever they point: inside the build they lead to the build image's
files, and the engine follows none. What is no file, folder or link is left out.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from cnbkit.errors import UserFault
from cnbkit_engine.state.beneath import Folder, Unfit, parts_of
from cnbkit_engine.state.disk import disk_fault

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.sandbox.sandbox import Bind

__all__ = ["copy_app", "make_mount_point"]

_NOT_APP = {".git", ".hg", ".svn", "__pycache__", ".venv", ".mypy_cache", ".pytest_cache"}
_PIECE = 1 << 30  # bytes for one call; the kernel copies them
_DEEPEST = 200  # each folder on the way down is open


def copy_app(app: Path, target: Path) -> list[str]:
    """Copy an app.

    Args:
        app: its folder, or a link to it.
        target: to be made.

    Returns:
        what was left out, with the reason, for people: `run/control: a socket`.

    Raises:
        UserFault: folders are nested too deep.
        PlatformFault: something cannot be read or written.
    """
    left_out: list[str] = []
    try:
        target.mkdir()
        with Folder(app.resolve()) as source, Folder(target) as copy:
            _copy(source, copy, "", left_out)
            copy.set_like(source.status())
    except OSError as error:
        raise disk_fault(error, "cannot copy the app", app) from None
    return left_out


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


def _copy(source: Folder, copy: Folder, place: str, left_out: list[str], depth: int = 0) -> None:
    if depth > _DEEPEST:
        raise UserFault(
            f"folders are nested more than {_DEEPEST} deep",
            where=place[:300],
            remedy="remove them, or name a folder of the app that does not hold them",
        )
    for name in source.names():
        if name in _NOT_APP:
            continue
        status = source.status(name)
        if stat.S_ISLNK(status.st_mode):
            copy.make_link(name, source.link(name))
        elif stat.S_ISDIR(status.st_mode):
            copy.make(name)
            with source.folder(name) as deeper, copy.folder(name) as new:
                _copy(deeper, new, f"{place}{name}/", left_out, depth + 1)
                new.set_like(deeper.status())
        else:
            try:
                handle = source.open_file(name)
            except Unfit as unfit:
                left_out.append(f"{place}{name}: {unfit.what}")
                continue
            _copy_file(handle, copy.create(name))


def _copy_file(source: int, copy: int) -> None:
    """Copy what is open, and close both: the name may stand for something else by now."""
    try:
        status = os.fstat(source)
        left = status.st_size  # and no more, should it grow
        while left > 0 and (count := os.sendfile(copy, source, None, min(left, _PIECE))):
            left -= count
        os.fchmod(copy, stat.S_IMODE(status.st_mode))
        os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
    finally:
        os.close(source)
        os.close(copy)

"""Places in a root file system where something can be mounted, made where they are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["mount_point"]


def mount_point(root: Path, target: str, *, folder: bool) -> str:
    """Resolve `target` inside `root`, make it if missing, and say where it is inside.

    Links are followed as the sandboxed process would: an absolute one starts at `root`, so a
    mount point is never made outside.
    """
    todo = target.split("/")[::-1]
    done: list[str] = []
    links = 0
    while todo:
        part = todo.pop()
        if part in ("", "."):
            continue
        if part == "..":
            done = done[:-1]
            continue
        path = root.joinpath(*done, part)
        if path.is_symlink():
            links += 1
            if links > 40:
                raise _bad_root(root, target, "too many links")
            link = str(path.readlink())
            if link.startswith("/"):
                done = []
            todo += link.split("/")[::-1]
            continue
        done.append(part)
        try:
            if not path.exists():
                if folder or any(rest not in ("", ".") for rest in todo):
                    path.mkdir()
                else:
                    path.touch()
        except OSError as error:
            raise _bad_root(root, target, str(error)) from error
    return "/" + "/".join(done)


def _bad_root(root: Path, target: str, detail: str) -> PlatformFault:
    return PlatformFault(
        f"the root file system has no place for {target}",
        where=str(root),
        remedy="make that file or folder in it",
        detail=detail,
    )

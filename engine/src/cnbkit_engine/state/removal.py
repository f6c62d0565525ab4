"""Removing what a build's code has left, whatever its modes and however deep it is nested."""

from __future__ import annotations

import os
import stat

from cnbkit_engine.state.openat import DIRECTORY

__all__ = ["remove_below", "unlock"]


def remove_below(folder: int, name: str) -> None:
    """Remove what is at a name of an open folder, with all that is in it; no link is followed.

    Of a tree, each folder is moved up to the top before it is emptied, so that two descriptors do
    whatever the depth.

    Raises:
        OSError: there is nothing, the disk refuses, or something is another user's.
    """
    if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=folder)
        return
    unlock(folder, name)
    top = os.open(name, DIRECTORY, dir_fd=folder)
    try:
        _empty(top)
    finally:
        os.close(top)
    os.rmdir(name, dir_fd=folder)


def _empty(top: int) -> None:
    todo = [""]
    while todo:
        name = todo.pop()
        here = os.open(name, DIRECTORY, dir_fd=top) if name else top
        try:
            for entry in list(os.scandir(here)):
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.name, dir_fd=here)
                    continue
                unlock(here, entry.name)
                if not name:
                    todo.append(entry.name)
                    continue
                up = f".removing-{os.urandom(12).hex()}"
                os.rename(entry.name, up, src_dir_fd=here, dst_dir_fd=top)
                todo.append(up)
        finally:
            if name:
                os.close(here)
        if name:
            os.rmdir(name, dir_fd=top)


def unlock(parent: int, name: str) -> None:
    """Let the owner of a folder read and change it. Does nothing to what a link points to."""
    handle = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        if os.fstat(handle).st_mode & 0o700 != 0o700:
            # fchmod refuses such a descriptor; this link of the kernel's leads to what is open.
            os.chmod(f"/proc/self/fd/{handle}", 0o700)
    finally:
        os.close(handle)

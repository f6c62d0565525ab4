"""Removing what a build's code has left, whatever its modes and however deep it is nested."""

from __future__ import annotations

import errno
import os
import stat

from cnbkit_engine.state.openat import DIRECTORY

__all__ = ["remove_below", "unlock"]


def remove_below(folder: int, name: str) -> None:
    """Remove what is at a name of an open folder, with all that is in it; no link is followed.

    Of a tree, each folder is moved up to the top before it is emptied, so that two descriptors do
    whatever the depth. What is mounted there is left alone: a program that was killed can have
    left this machine's own files so.

    Raises:
        OSError: there is nothing, the disk refuses, or something is another user's, or mounted.
    """
    if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=folder)
        return
    _refuse_mount(os.fstat(folder).st_dev, folder, name)
    unlock(folder, name)
    top = os.open(name, DIRECTORY, dir_fd=folder)
    try:
        _empty(top)
    finally:
        os.close(top)
    os.rmdir(name, dir_fd=folder)


def _empty(top: int) -> None:
    todo = [""]
    device = os.fstat(top).st_dev
    while todo:
        name = todo.pop()
        here = os.open(name, DIRECTORY, dir_fd=top) if name else top
        try:
            for entry in list(os.scandir(here)):
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.name, dir_fd=here)
                    continue
                _refuse_mount(device, here, entry.name)
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


def _refuse_mount(device: int, parent: int, name: str) -> None:
    if os.stat(name, dir_fd=parent, follow_symlinks=False).st_dev != device:
        raise OSError(errno.EBUSY, "something is mounted there", name)

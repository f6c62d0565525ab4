"""Temporary folders that do not outlive the process that made them, even if it is killed."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from cnbkit_engine.state.beneath import Folder
from cnbkit_engine.state.disk import disk_fault

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

__all__ = ["Workspace", "remove_tree"]


class Workspace:
    """A fresh folder, removed on leaving the `with` block.

    A lock file beside the folder is held for as long as the process lives. A killed process
    cannot tidy up, but the kernel releases its lock, so the next workspace made in the same place
    knows which folders are dead and removes them.

    Args:
        parent: where to make it; created if missing. Must not hold anything else named `.ws-*`.
        background: leave the removal to a process of its own, which may outlive this one. For
            folders with gigabytes in them, that nobody should have to wait for.

    Raises:
        PlatformFault: the folder cannot be made (on entering).
    """

    def __init__(self, parent: Path, *, background: bool = False) -> None:
        self._background = background
        self.path = parent / f".ws-{os.urandom(8).hex()}"
        self._lock = self.path.with_suffix(".lock")
        self._held: int | None = None

    def __enter__(self) -> Path:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _sweep(self.path.parent)
            self._held = _hold(self._lock)
            self.path.mkdir(mode=0o700)
        except OSError as error:
            self._release()
            raise disk_fault(error, "cannot make a temporary folder", self.path.parent) from error
        return self.path

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._background and self._held is not None:
            _remove_in_background(self.path, self._lock, self._held)
            os.close(self._held)
            self._held = None
            return
        remove_tree(self.path)
        self._release()

    def _release(self) -> None:
        if self._held is not None:
            self._lock.unlink(missing_ok=True)
            os.close(self._held)
            self._held = None


def remove_tree(path: Path) -> None:
    """Remove a folder and all in it, also folders whose modes forbid it to their owner.

    An overlay's work folder and anything an app ran `chmod 000` on are such. Never follows links,
    and takes folders nested to any depth.
    """
    try:
        with Folder(path.parent.resolve()) as folder:
            folder.remove(path.name)
    except FileNotFoundError:
        pass  # somebody else is removing the same dead folder


def _remove_in_background(path: Path, lock: Path, held: int) -> None:
    import subprocess

    # It inherits the lock, so that nobody sweeps the folder away under it. The shell we start
    # ends at once, so that no child of ours is left to wait for.
    # What is mounted below is this machine's own.
    # The lock stays where the folder does, for the next sweep.
    script = (
        '{ find "$1" -xdev -type d ! -perm -u=rwx -exec chmod u+rwx "{}" ";" ;'
        ' rm -rf --one-file-system "$1" && rm -f "$2"; } &'
    )
    subprocess.run(
        ["/bin/sh", "-c", script, "remove", str(path), str(lock)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(held,),
        start_new_session=True,
        check=False,
    )


def _hold(lock: Path) -> int:
    while True:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle
        os.close(handle)  # swept between open and flock: make it anew


def _sweep(parent: Path) -> None:
    # A folder without its lock is dead too: the lock is there before it, and goes after it.
    for lock in {path.with_suffix(".lock") for path in parent.glob(".ws-*")}:
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            continue  # another user's
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_tree(lock.with_suffix(""))
            lock.unlink(missing_ok=True)
        except OSError:
            pass  # alive, or not ours to remove: either way not this process's business
        finally:
            os.close(handle)

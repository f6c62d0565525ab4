"""Make something on disk exactly once, whatever else runs or dies meanwhile."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["Held", "is_made", "locked", "made_once"]


def made_once(final: Path, make: Callable[[Path], None]) -> Path:
    """Return `final`, letting `make` create it first where it is missing.

    `make` gets a path beside `final` to create; when it returns, that is renamed, so `final` is
    never half there; after a power cut, and where somebody has changed it, it is compared and made
    again if need be. A second process waits for the first and then finds the work done. Where
    `final` exists this costs about a millisecond.

    Raises:
        PlatformFault: the disk is full or not writable.
    """
    if is_made(final):
        return final
    with locked(final):
        if not is_made(final):
            from cnbkit_engine.state.disk import disk_fault
            from cnbkit_engine.state.tree_record import record_tree
            from cnbkit_engine.state.workspace import Workspace

            with Workspace(final.parent) as space:
                make(space / final.name)
                try:
                    if final.exists():
                        final.rename(space / "damaged")
                    record_tree(space / final.name, final)
                    (space / final.name).rename(final)
                except OSError as error:
                    raise disk_fault(error, "cannot write what builds need", final) from error
    return final


def is_made(final: Path) -> bool:
    """Whether `made_once` would find it, and as it was made."""
    from cnbkit_engine.state.tree_record import is_sound

    return final.exists() and is_sound(final)


@contextmanager
def locked(path: Path, waiting: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the one lock that stands for making `path`; waits while another process has it.

    The lock is a file beside `path`; the kernel releases it when its holder dies.

    Args:
        path: what is made.
        waiting: told, if another process has the lock, which one that is.

    Raises:
        PlatformFault: the disk is full or not writable.
    """
    import fcntl

    from cnbkit_engine.state.disk import disk_fault

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Not truncated: it says who has the lock until that is somebody else.
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        handle = os.open(path.parent / f".{path.name}.lock", flags, 0o644)
    except OSError as error:
        raise disk_fault(error, "cannot write what builds need", path) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting:
                waiting(_holder(handle))
            fcntl.flock(handle, fcntl.LOCK_EX)
        _sign(handle)
        yield
    finally:
        os.close(handle)


class Held:
    """Folders that are in use until the `with` block ends: `prune` leaves them alone."""

    def __init__(self) -> None:
        self._handles: list[int] = []
        self.folders: set[Path] = set()

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            os.close(handle)
        self._handles.clear()

    def take(self, folder: Path) -> bool:
        """Hold one more; False if it has been removed, or made anew, since its path was known.

        Raises:
            OSError: it cannot be opened.
        """
        import fcntl

        try:
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        self._handles.append(handle)
        self.folders.add(folder)
        fcntl.flock(handle, fcntl.LOCK_SH)
        try:
            return os.path.samestat(os.fstat(handle), folder.stat())
        except FileNotFoundError:
            return False


def _sign(handle: int) -> None:
    from contextlib import suppress

    with suppress(OSError):  # on a full disk: then nobody learns who waits for whom
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)


def _holder(handle: int) -> str:
    text = os.pread(handle, 20, 0).decode(errors="replace").strip()
    return f"process {text}" if text.isdigit() else "another process"

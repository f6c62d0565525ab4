"""Make something on disk exactly once, whatever else runs or dies meanwhile."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["locked", "made_once"]


def made_once(final: Path, make: Callable[[Path], None]) -> Path:
    """Return `final`, letting `make` create it first where it is missing.

    `make` gets a path beside `final` to create; when it returns, that is renamed, so `final` is
    never half there, and after a power cut it is compared and made again if need be. A second
    process waits for the first and then finds the work done. Where `final` exists this costs three
    small reads.

    Raises:
        PlatformFault: the disk is full or not writable.
    """
    from cnbkit_engine.state.tree_record import is_sound, record_tree

    if final.exists() and is_sound(final):
        return final
    with locked(final):
        if not (final.exists() and is_sound(final)):
            from cnbkit_engine.state.disk import disk_fault
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


def _sign(handle: int) -> None:
    from contextlib import suppress

    with suppress(OSError):  # on a full disk: then nobody learns who waits for whom
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)


def _holder(handle: int) -> str:
    text = os.pread(handle, 20, 0).decode(errors="replace").strip()
    return f"process {text}" if text.isdigit() else "another process"

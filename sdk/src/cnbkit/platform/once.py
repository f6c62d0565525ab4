"""Make something on disk exactly once, whatever else runs or dies meanwhile."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["locked", "made_once"]


def made_once(final: Path, make: Callable[[Path], None]) -> Path:
    """Return `final`, letting `make` create it first where it is missing.

    `make` gets a path beside `final` to create; it is renamed when `make` returns, so `final` is
    never half there. A second process waits for the first and then finds the work done. Where
    `final` exists this costs one `stat`.

    Raises:
        PlatformFault: the disk is full or not writable.
    """
    if final.exists():
        return final
    with locked(final):
        if not final.exists():
            from cnbkit.platform.workspace import Workspace

            with Workspace(final.parent) as space:
                make(space / final.name)
                (space / final.name).rename(final)
    return final


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the one lock that stands for making `path`; waits while another process has it.

    The lock is a file beside `path`; the kernel releases it when its holder dies.

    Raises:
        PlatformFault: the disk is full or not writable.
    """
    import fcntl

    from cnbkit.errors import PlatformFault

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (path.parent / f".{path.name}.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise PlatformFault(
            "cannot write what builds need",
            where=str(path),
            remedy=f"free some space there ({_free(path)}), or set CNBKIT_HOME to another disk",
            detail=str(error),
        ) from error


def _free(path: Path) -> str:
    import shutil

    existing = next(folder for folder in path.parents if folder.exists())
    return f"{shutil.disk_usage(existing).free / 1e9:.1f} GB are free"

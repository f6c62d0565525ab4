"""Taking away what was made once (`locks.made_once`)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from cnbkit_engine.state.locks import locked
from cnbkit_engine.state.tree_record import forget_record
from cnbkit_engine.state.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["discarded"]


@contextmanager
def discarded(folder: Path) -> Iterator[Path]:
    """Take away what was made once; it is removed when the block ends, which knows where it is.

    It is renamed first: whoever looks finds it whole or not at all, also if this is killed.

    Raises:
        OSError: the disk refuses; FileNotFoundError if somebody else was faster.
    """
    with locked(folder), Workspace(folder.parent) as space:
        gone = space / "gone"
        folder.rename(gone)
        forget_record(folder)
        yield gone

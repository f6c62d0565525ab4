"""Text of files of an app that somebody has handed in: whatever a name leads to, it has an end."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["beginning"]


def beginning(path: Path, length: int = 1 << 16) -> str:
    """The first bytes of a regular file, as text; empty for a folder, a pipe or a device.

    Args:
        path: of it.
        length: bytes that are read at most.

    Raises:
        OSError: it cannot be opened.
    """
    # Without O_NONBLOCK, opening a pipe waits for somebody to write to it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(length).decode(errors="replace")
    finally:
        os.close(descriptor)

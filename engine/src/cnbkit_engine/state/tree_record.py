"""What a folder held when it was made: to see later that it still does."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["differs_from_record", "record_tree"]


def record_tree(made: Path, final: Path) -> None:
    """Write down a folder's files and their sizes, beside the place it will have.

    Raises:
        OSError: the disk refuses.
    """
    from cnbkit_engine.state.disk import replace_file

    if made.is_dir():
        replace_file(_record(final), json.dumps(dict(_files(made))).encode())


def differs_from_record(folder: Path) -> str:
    """The first file that is missing or has another size; empty if none, or nothing is recorded."""
    try:
        known = json.loads(_record(folder).read_bytes())
    except (OSError, ValueError):
        return ""
    if not isinstance(known, dict):
        return ""
    now = dict(_files(folder))
    return next((name for name, size in known.items() if now.get(name) != size), "")


def _record(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.files.json")


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    """Regular files below a folder: path and size; links and what is in their places are not."""
    top = os.fspath(folder)
    for parent, _, names in os.walk(top):
        for name in names:
            path = os.path.join(parent, name)
            if os.path.isfile(path) and not os.path.islink(path):
                shown = os.path.relpath(path, top).encode(errors="backslashreplace").decode()
                yield shown, os.lstat(path).st_size

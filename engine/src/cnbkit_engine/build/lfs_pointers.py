"""Files that are Git LFS's pointers: the image would lack what they stand for."""

from __future__ import annotations

import os

__all__ = ["is_pointer", "pointers"]

# git-lfs, docs/spec.md: a pointer is smaller than this, and begins so.
_SMALLER_THAN = 1024
_BEGINS = b"version https://git-lfs.github.com/spec/"
_SHOWN = 5


def is_pointer(handle: int, size: int) -> bool:
    """Whether a file is one.

    Args:
        handle: it, open; its offset does not change.
        size: its size.
    """
    if not len(_BEGINS) < size < _SMALLER_THAN:
        return False
    return os.pread(handle, len(_BEGINS), 0) == _BEGINS


def pointers(found: list[str]) -> str:
    """A warning that names them; empty if there are none."""
    if not found:
        return ""
    more = f" and {len(found) - _SHOWN} more" if found[_SHOWN:] else ""
    named = f"{', '.join(found[:_SHOWN])}{more}"
    are = (
        "are Git LFS's pointers and not the files"
        if found[1:]
        else ("is Git LFS's pointer and not the file")
    )
    return f"Warning: {named} {are}: run `git lfs pull` before the build"

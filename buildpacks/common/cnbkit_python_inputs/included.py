"""What a file of requirements or constraints includes: no key may pass over a part of it."""

from __future__ import annotations

import os

from cnbkit_python_inputs.line import decoded, logical_lines

__all__ = ["with_included"]

_LONGEST = 1_000_000


def with_included(path: str) -> list[str]:
    """A file, and those that its `-r` and `-c` lines name, theirs too; each once.

    Args:
        path: a file or a folder; a folder, a large file and what is not text include nothing.
    """
    found: list[str] = []
    todo = [path]
    while todo:
        each = os.path.normpath(todo.pop(0))
        if each in found:
            continue
        found.append(each)
        if not os.path.isfile(each) or os.path.getsize(each) > _LONGEST:
            continue
        with open(each, "rb") as file:
            data = file.read()
        try:
            lines = logical_lines(each, decoded(data))
        except (UnicodeDecodeError, LookupError):
            continue
        named = (line.included for line in lines)
        paths = (os.path.join(os.path.dirname(each), name) for name in named if name)
        todo += [inner for inner in paths if os.path.isfile(inner)]
    return found

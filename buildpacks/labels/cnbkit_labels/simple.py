"""The part of YAML most tag files keep to, read without a YAML library.

Importing PyYAML takes longer than all the rest of this buildpack's build. This reads nested
`key: value` lines with plain values, where YAML leaves no room for a second meaning, and
gives up on anything else. Its tests hold it to PyYAML's answer.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_labels.rules import Entry

__all__ = ["read"]

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_KEY = _LETTERS | frozenset("._-/")
_VALUE = _KEY | frozenset(" @+,")
# PyYAML finds the colon of a key within 1024 characters.
_MAX_LINE = 1000


def read(text: str) -> list[Entry] | None:
    """The labels of a file, in its order; None if it takes a YAML parser to tell."""
    entries: list[Entry] = []
    seen: set[str] = set()
    # Indentation and key prefix of the mappings around the line.
    levels = [(0, "")]
    opened = ""
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.removesuffix("\r").rstrip(" ")
        body = line.lstrip(" ")
        if len(line) > _MAX_LINE or not (line.isascii() and line.isprintable()):
            return None
        if not body or body[0] == "#":
            continue
        indent = len(line) - len(body)
        if opened:
            if indent <= levels[-1][0]:
                return None
            levels.append((indent, opened))
        while indent < levels[-1][0]:
            levels.pop()
        if indent != levels[-1][0]:
            return None
        key, _, value = body.partition(":")
        path = levels[-1][1] + key
        if not key or key[0] not in _LETTERS or not _KEY.issuperset(key) or path in seen:
            return None
        seen.add(path)
        if not value and body[-1] == ":":
            opened = f"{path}."
            continue
        opened = ""
        word = value.lstrip(" ")
        if word == value or word[0] not in _LETTERS or not _VALUE.issuperset(word):
            return None
        entries.append((path, word, number))
    return None if opened else entries

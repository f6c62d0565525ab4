"""Patterns of a .dockerignore, as Docker reads them (moby/patternmatcher)."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from cnbkit_engine.build.ignore_rules import compiled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnbkit_engine.build.bounded_pattern import BoundedPattern

__all__ = ["DockerIgnore"]


class DockerIgnore:
    """The lines of a file; the last that matches a path, or a folder it is in, counts."""

    def __init__(self, text: str) -> None:
        self._rules = list(_rules(text))

    def match(self, path: str) -> bool:
        """Whether a path, relative to the root, is left out."""
        above = path.split("/")
        places = ["/".join(above[:count]) for count in range(1, len(above) + 1)]
        matched = False
        for expression, negated in self._rules:
            if matched == negated and any(expression.matches(place) for place in places):
                matched = not negated
        return matched


def _rules(text: str) -> Iterator[tuple[BoundedPattern, bool]]:
    for raw in text.removeprefix("\ufeff").splitlines():
        if raw.startswith("#"):
            continue
        line = raw.strip()
        negated = line.startswith("!")
        line = line[1:].strip() if negated else line
        if not line:
            continue
        line = posixpath.normpath(line).lstrip("/")
        if line.startswith("!") and not negated:  # `/!a` to Docker, which looks again
            negated, line = True, line[1:]
        line = posixpath.normpath(line.strip())
        if line in ("", "."):
            continue
        expression = compiled(_expression(line), whole=True)
        if expression is not None:
            yield expression, negated


def _expression(pattern: str) -> str:
    rest = pattern[2:].removeprefix("/")
    if pattern.startswith("**") and rest and not any(char in rest for char in "*?[]\\"):
        # Docker compares ends of texts then: `**.py` is any file of that kind.
        return f"{'(.*/)?' if pattern[2] == '/' else '.*'}{re.escape(rest)}"
    found = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if pattern.startswith("**", at):
            at += 3 if pattern.startswith("/", at + 2) else 2
            found.append("(.*/)?" if at < len(pattern) else ".*")
            continue
        at += 1
        if char == "*":
            found.append("[^/]*")
        elif char == "?":
            found.append("[^/]")
        elif char == "\\":
            found.append(pattern[at - 1 : at + 1])
            at += 1
        elif char in ".+()|{}$":
            found.append(f"\\{char}")
        else:
            found.append(char)  # of these `[` and `]` are a class, as in a shell
    return "".join(found)

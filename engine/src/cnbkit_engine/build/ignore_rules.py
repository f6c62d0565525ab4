"""Patterns of project.toml's `include` and `exclude`, as pack reads them.

pack takes them for lines of a .gitignore and reads them by a library (sabhiram/go-gitignore) that
differs from git: `?` is itself, a folder that is left out can have files that are not, the rest of
a pattern is a regular expression. The same app has to be the same image with both engines.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cnbkit_engine.build.bounded_pattern import BoundedPattern

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["IgnoreRules", "compiled"]

# Stands for a star that is a regular expression's, until all others are replaced.
_STAR = "\0"


class IgnoreRules:
    """Some lines of patterns; the last that matches a path counts."""

    def __init__(self, lines: Iterable[str]) -> None:
        read = map(_expression, lines)
        self._rules = [rule for rule in read if rule is not None]

    def match(self, path: str) -> bool:
        """Whether they mean a path, which is relative and has no slash at its end."""
        matched = False
        for expression, negated in self._rules:
            if expression.matches(path):
                matched = not negated
        return matched


def _expression(line: str) -> tuple[BoundedPattern, bool] | None:
    """A line as regular expression, and whether it is negated; None if it means nothing."""
    line = line.rstrip("\r")
    if line.startswith("#"):
        return None
    line = line.strip(" ")
    if not line:
        return None
    negated = line.startswith("!")
    line = line[1:] if negated else line
    if line[:1] in ("#", "!"):
        line = line[1:]
    # `docs/*.md` is below the root, other than `*.md`.
    if not line.startswith("/") and re.search(r"[^/+]/.*\*\.", line):
        line = f"/{line}"
    line = line.replace(".", r"\.")
    if line.startswith("/**/"):
        line = line[1:]
    line = line.replace("/**/", "(/|/.+/)")
    line = line.replace("**/", f"(|.{_STAR}/)").replace("/**", f"(|/.{_STAR})")
    line = line.replace(r"\*", f"\\{_STAR}").replace("*", "([^/]*)")
    line = line.replace("?", r"\?").replace(_STAR, "*")
    line += r"(|.*)\Z" if line.endswith("/") else r"(|/.*)\Z"
    line = f"^(|/){line[1:]}" if line.startswith("/") else f"^(|.*/){line}"
    expression = compiled(line)
    # As pack: what is not a regular expression matches nothing.
    return None if expression is None else (expression, negated)


def compiled(expression: str, *, whole: bool = False) -> BoundedPattern | None:
    """A regular expression; None if it is none."""
    try:
        return BoundedPattern(expression, whole=whole)
    except ValueError:
        return None

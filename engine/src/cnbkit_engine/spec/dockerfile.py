"""Words of a Dockerfile's instruction, and variables in them, by Docker's rules."""

from __future__ import annotations

import re
from fnmatch import translate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["assignments", "expanded", "split"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#]")
# What is longer stays as it is written.
_LONGEST = 1 << 20
_CUT = 2_000
_DEEPEST = 40
_MODIFIER = re.compile(r"(:[-+?]|[-+?]|##?|%%?|//?)(.*)", re.DOTALL)


# In all of these a variable that has no value becomes `missing`; None leaves it as it is written,
# where it is not known what it will be.


def split(
    text: str, values: Mapping[str, str], escape: str = "\\", missing: str | None = None
) -> list[str]:
    """The words of a text, without quotes, variables replaced."""
    return [expanded(word, values, escape, missing) for word in _pieces(text, escape)]


def assignments(
    text: str, values: Mapping[str, str], escape: str = "\\", missing: str | None = None
) -> dict[str, str]:
    """`A=1 B="x y"`, or the old form `A 1`; a name without a value has an empty one."""
    pieces = list(_pieces(text, escape))
    if pieces and "=" not in pieces[0]:
        name, _, value = text.strip().partition(pieces[0])[2].partition(" ")
        return {pieces[0]: expanded((name + value).strip(), values, escape, missing)}
    found = {}
    for piece in pieces:
        name, _, value = piece.partition("=")
        name, value = (expanded(each, values, escape, missing) for each in (name, value))
        found[name] = value
    return found


def expanded(
    word: str, values: Mapping[str, str], escape: str = "\\", missing: str | None = None
) -> str:
    """A word without quotes, its variables replaced."""
    return _Word(word, escape, values, missing).read()


def _pieces(text: str, escape: str) -> Iterator[str]:
    piece, quote, place = "", "", 0
    while place < len(text):
        char = text[place]
        if char == escape and quote != "'" and place + 1 < len(text):
            piece += char + text[place + 1]
            place += 2
            continue
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char.isspace():
            if piece:
                yield piece
            piece, place = "", place + 1
            continue
        piece += char
        place += 1
    if piece:
        yield piece


class _Word:
    def __init__(
        self,
        text: str,
        escape: str,
        values: Mapping[str, str],
        missing: str | None,
        depth: int = 0,
    ) -> None:
        self._text, self._escape, self._values, self._missing = text, escape, values, missing
        self._depth = depth
        self._place = 0

    def read(self) -> str:
        made, quote = "", ""
        # Variables that name each other twice would fill any memory.
        while self._place < len(self._text) and len(made) <= _LONGEST:
            char = self._text[self._place]
            if quote == "'":
                quote, made = ("", made) if char == "'" else (quote, made + char)
            elif char == self._escape and self._place + 1 < len(self._text):
                self._place += 1
                after = self._text[self._place]
                kept = quote and after not in f'"${self._escape}'
                made += char + after if kept else after
            elif char == '"':
                quote = "" if quote else '"'
            elif char == "'" and not quote:
                quote = "'"
            elif char == "$":
                made += self._variable()
                continue
            else:
                made += char
            self._place += 1
        return made if len(made) <= _LONGEST else self._text

    def _variable(self) -> str:
        start = self._place
        self._place += 1
        rest = self._text[self._place :]
        if rest.startswith("{"):
            length = _closing(rest)
            inner = rest[1:length]
            self._place += length + 1
        else:
            match = _NAME.match(rest)
            if not match:
                return "$"
            inner = match[0]
            self._place += len(inner)
        name = _NAME.match(inner)
        if not name:
            return self._text[start : self._place]
        return self._of(inner, name[0], self._text[start : self._place])

    def _of(self, inner: str, name: str, written: str) -> str:
        value = self._values.get(name)
        missing = written if self._missing is None else self._missing
        match = _MODIFIER.match(inner[len(name) :])
        if not match:
            return missing if value is None else value
        kind, word = match[1], match[2]
        there = value is not None and (value != "" or ":" not in kind)
        if kind[-1] == "-":
            return (value or "") if there else self._inner(word)
        if kind[-1] == "+":
            return self._inner(word) if there else ""
        if value is None:
            return missing
        if kind[-1] == "?":
            return value
        return _cut(value, kind, self._inner(word) if "/" not in kind else word)

    def _inner(self, word: str) -> str:
        if self._depth > _DEEPEST:
            raise RecursionError
        return _Word(word, self._escape, self._values, self._missing, self._depth + 1).read()


def _closing(text: str) -> int:
    """Where the brace that `text` begins with is closed."""
    depth = 0
    for brace in re.finditer("[{}]", text):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return brace.start()
    return len(text)


def _cut(value: str, kind: str, word: str) -> str:
    """`#`, `##`, `%`, `%%`: without what fits at the beginning or end; `/`, `//`: replaced."""
    if len(value) > _CUT or len(word) > _CUT:
        return value
    if "/" in kind:
        pattern, _, put = word.partition("/")
        expression = translate(pattern).removesuffix("\\Z").removesuffix("\\z")
        return re.sub(expression, lambda _: put, value, count=0 if kind == "//" else 1)
    cuts = range(len(value) + 1)
    fits = re.compile(translate(word)).match
    if "#" in kind:
        ends = [cut for cut in cuts if fits(value[:cut])]
        return value[(max(ends) if kind == "##" else min(ends)) :] if ends else value
    starts = [cut for cut in cuts if fits(value[cut:])]
    return value[: (min(starts) if kind == "%%" else max(starts))] if starts else value

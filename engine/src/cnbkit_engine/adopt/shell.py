"""What a RUN does, command by command, as far as it is plain: no loops, no conditions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cnbkit_engine.spec.dockerfile import expanded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Command", "commands"]

_OPEN = {"if": "fi", "for": "done", "while": "done", "until": "done", "case": "esac", "{": "}"}
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=", re.ASCII)
# Where output goes changes nothing of what is installed.
_QUIET = re.compile(r"\s*(?:\d?&?>>?\s*(?:/dev/null|&\d)|2>&1)")
_VERSION = re.compile(r"[<>]=?\d")
_HARMLESS = re.compile(r"\s*\|\|\s*(?:true|:|exit\s+\d+)\s*$")


@dataclass(frozen=True)
class Command:
    """A part of a shell line between `&&`, `;` and line ends.

    Args:
        text: as it is written.
        offset: where it stands.
        words: its words; None if it is more than one simple command.
        env: assignments before it.
    """

    text: str
    offset: int
    words: tuple[str, ...] | None
    env: Mapping[str, str] = field(default_factory=dict)


def commands(text: str, values: Mapping[str, str]) -> list[Command]:
    """The commands of a shell's text, in their order.

    Args:
        text: of RUN, in the shell form.
        values: variables that are known; others stay as they are written.
    """
    return [_command(part, offset, values) for offset, part in _parts(text)]


def _command(text: str, offset: int, values: Mapping[str, str]) -> Command:
    plain = _HARMLESS.sub("", _QUIET.sub("", text))
    pieces = _pieces(plain)
    if pieces is None:
        return Command(text, offset, None)
    env = {}
    while pieces and _ASSIGNMENT.match(pieces[0]):
        name, _, value = pieces.pop(0).partition("=")
        env[name] = expanded(value, values)
    return Command(text, offset, tuple(expanded(piece, values) for piece in pieces), env)


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """What stands between separators that are in no quotes, brackets or loops."""
    start, depth, word, at_command = 0, 0, "", True
    ends: list[str] = []
    place = 0
    while place <= len(text):
        char = text[place] if place < len(text) else "\n"
        if char == "\\":
            word += text[place : place + 2]
            place += 2
            continue
        if char in "\"'`":
            closed = _closed(text, place)
            word += text[place:closed]
            place = closed
            continue
        if char == "#" and not word:
            end = text.find("\n", place)
            place = end if end >= 0 else len(text)
            continue
        if char in "()":
            depth += 1 if char == "(" else -1
        separates = char in ";\n&|"
        if separates or char.isspace():
            if word and at_command:
                if word in _OPEN:
                    ends.append(_OPEN[word])
                elif ends and word == ends[-1]:
                    ends.pop()
                at_command = word in ("then", "do", "else", "elif", *_OPEN)
            word = ""
        else:
            word += char
        at_command = at_command or separates or char == "("
        double = text[place : place + 2] in ("&&", ";;", "||")
        redirects = char == "&" and (
            text[place - 1 : place] in (">", "<") or text[place + 1 :][:1] == ">"
        )
        if separates and char != "|" and not redirects and depth <= 0 and not ends:
            yield from _part(text, start, place)
            start = place + (2 if double else 1)
        place += 2 if double else 1
    yield from _part(text, start, len(text))


def _part(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    part = text[start:end]
    if part.strip() and not part.lstrip().startswith("#"):
        yield start + len(part) - len(part.lstrip()), part.strip()


def _closed(text: str, place: int) -> int:
    """The place behind a quoted text."""
    quote = text[place]
    place += 1
    while place < len(text) and text[place] != quote:
        place += 2 if text[place] == "\\" and quote != "'" else 1
    return place + 1


def _pieces(text: str) -> list[str] | None:
    """The words with their quotes; None where a shell does more than start one program."""
    found, piece, place = [], "", 0
    while place < len(text):
        char = text[place]
        if char == "\\":
            piece += text[place : place + 2]
            place += 2
            continue
        if char == "`" or text.startswith("$(", place):
            return None
        if char in "\"'":
            closed = _closed(text, place)
            quoted = text[place:closed]
            if char == '"' and ("`" in quoted or "$(" in quoted):
                return None
            piece += quoted
            place = closed
            continue
        if char == "#" and not piece:
            break
        if (
            char in "<>"
            and _VERSION.match(text, place)
            and re.match(r"[a-z\]]", piece[-1:], re.IGNORECASE)
        ):
            # `numpy>=1.2` without quotes: for a shell a file's name, for its author a version.
            piece += char
            place += 1
            continue
        if char in "|&;()<>\n" or (char in "{}" and not piece):
            return None
        if char.isspace():
            found += [piece] if piece else []
            piece = ""
        else:
            piece += char
        place += 1
    found += [piece] if piece else []
    return None if found and found[0] in (*_OPEN, "[", "[[", "!") else found

"""Read a Dockerfile as BuildKit does: directives, continued lines, flags, JSON forms, heredocs."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from cnbkit.errors import UserFault

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["KEYWORDS", "Heredoc", "Instruction", "read_dockerfile"]

KEYWORDS = frozenset(
    (
        *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK"),
        *("LABEL", "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME"),
        "WORKDIR",
    )
)
"""Every instruction there is."""

# What holds at each is known for each: what takes a second of these takes hours of a hundred times
# as many.
_MOST = 2_000
_DIRECTIVE = re.compile(r"^#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*$")
_COMMENT = re.compile(r"^\s*#")
_HEREDOC = re.compile(r"""^(\d*)<<(-?)(["']?)([A-Za-z0-9_.\-]+)\3$""")
_FLAG = re.compile(r"--([a-z][a-z.-]*)(?:=(.*))?", re.DOTALL)
# No instruction knows half as many.
_FLAGS = 64
_WITH_HEREDOC = ("ADD", "COPY", "RUN")
_JSON = ("ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME")


@dataclass(frozen=True)
class Heredoc:
    """A text that stands in the Dockerfile itself.

    Args:
        name: what ends it.
        text: its lines, without leading tabs if it is `<<-`.
        expand: whether variables in it are replaced: its name has no quotes.
        line: number of its first line.
    """

    name: str
    text: str
    expand: bool
    line: int


@dataclass(frozen=True)
class Instruction:
    """One instruction.

    Args:
        keyword: in capitals.
        value: what follows keyword and flags, in one line.
        flags: name and value, in their order; a flag without a value has an empty one.
        words: the words of the JSON form; None if it is not in that form.
        heredocs: those it has.
        line: number of its first line, from 1.
        end: number of its last line.
        escape: the Dockerfile's escape character.
        starts: offset in `value` and number of the line that begins there.
    """

    keyword: str
    value: str
    flags: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] | None = None
    heredocs: tuple[Heredoc, ...] = ()
    line: int = 1
    end: int = 1
    escape: str = "\\"
    starts: tuple[tuple[int, int], ...] = field(default=((0, 1),), repr=False)

    def flag(self, name: str) -> str | None:
        """A flag's value; the last one if it is given several times."""
        return dict(self.flags).get(name)

    def line_at(self, offset: int) -> int:
        """The number of the line on which a place of `value` stands."""
        place = bisect_right([start for start, _ in self.starts], offset) - 1
        return self.starts[max(place, 0)][1]


def read_dockerfile(text: str, *, name: str = "Dockerfile") -> list[Instruction]:
    """Its instructions, in their order.

    Args:
        text: the file's.
        name: the file's, for faults.

    Raises:
        UserFault: it is not a Dockerfile, with the line that is wrong.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").removesuffix("\n").split("\n")
    escape = _escape(lines)
    instructions = list(islice(_instructions(lines, escape, name), _MOST + 1))
    if len(instructions) > _MOST:
        raise UserFault(
            f"{name} has more than {_MOST} instructions",
            where=f"{name}:{instructions[-1].line}",
            remedy="name the Dockerfile to read",
        )
    if not instructions:
        raise UserFault(
            f"{name} has no instructions", where=name, remedy="name the Dockerfile to read"
        )
    return instructions


def _escape(lines: list[str]) -> str:
    """Directives stand above everything else, each once."""
    seen: dict[str, str] = {}
    for line in lines:
        match = _DIRECTIVE.match(line.strip())
        if not match or match[1].lower() in seen:
            break
        name = match[1].lower()
        if name not in ("syntax", "escape", "check"):
            break
        seen[name] = match[2]
    return "`" if seen.get("escape") == "`" else "\\"


def _instructions(lines: list[str], escape: str, name: str) -> Iterator[Instruction]:
    token = re.escape(escape)
    continued = re.compile(rf"(?:(?<=[^{token}])|^){token}[ \t]*$")
    number = 0
    while number < len(lines):
        first = number
        line = lines[number].lstrip()
        number += 1
        if not line.strip() or line.startswith("#"):
            continue
        pieces, starts, length = [], [], 0
        more = True
        while more:
            more = bool(continued.search(line))
            piece = continued.sub("", line)
            pieces.append(piece)
            starts.append((length, number))
            length += len(piece)
            # What is between the lines of an instruction: comments, and lines with nothing.
            while more and number < len(lines):
                line = lines[number]
                number += 1
                if line.strip() and not _COMMENT.match(line):
                    break
            else:
                more = False
        whole = "".join(pieces)
        if not whole.strip():
            continue
        made = _instruction(whole, starts, (first + 1, number), escape, name)
        heredocs, number = _heredocs(made, lines, number, name)
        made = Instruction(
            **{**made.__dict__, "heredocs": tuple(heredocs), "end": max(made.end, number)}
            if heredocs
            else made.__dict__
        )
        yield made


def _instruction(
    text: str, starts: list[tuple[int, int]], lines: tuple[int, int], escape: str, name: str
) -> Instruction:
    keyword, _, rest = text.strip().partition(" ")
    if "\t" in keyword:
        keyword, _, rest = text.strip().partition("\t")
    upper = keyword.upper()
    if upper not in KEYWORDS:
        raise UserFault(
            f"{name}: {keyword!r} is not an instruction",
            where=f"{name}:{lines[0]}",
            remedy="correct the line, or name the Dockerfile to read",
        )
    flags, value = _flags(rest.strip(), escape) if upper != "MAINTAINER" else ((), rest.strip())
    skipped = text.find(value) if value else 0
    return Instruction(
        keyword=upper,
        value=value,
        flags=flags,
        words=_json(value, (name, lines[0])) if upper in _JSON else None,
        line=lines[0],
        end=lines[1],
        escape=escape,
        starts=tuple((offset - skipped, line) for offset, line in starts),
    )


def _flags(text: str, escape: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """`--name=value` at the beginning, and what is left."""
    found: list[tuple[str, str]] = []
    while text.startswith("--") and len(found) < _FLAGS:
        word, rest = _word(text, escape)
        if word == "--":
            text = rest
            break
        match = _FLAG.fullmatch(word)
        if not match:
            break
        found.append((match[1], match[2] or ""))
        text = rest
    return tuple(found), text


def _word(text: str, escape: str) -> tuple[str, str]:
    """The first word without its quotes, and the rest."""
    word, quote, place = "", "", 0
    while place < len(text):
        char = text[place]
        if char == escape and quote != "'" and place + 1 < len(text):
            place += 1
            word += text[place]
        elif quote:
            quote, word = ("", word) if char == quote else (quote, word + char)
        elif char in "\"'":
            quote = char
        elif char.isspace():
            break
        else:
            word += char
        place += 1
    return word, text[place:].lstrip()


def _json(text: str, where: tuple[str, int]) -> tuple[str, ...] | None:
    if not text.startswith("["):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):  # of huge numbers, and of ten thousand brackets
        return None
    if not all(isinstance(word, str) for word in found):
        raise UserFault(
            f"{where[0]}: a list of words has something else in it",
            where=f"{where[0]}:{where[1]}",
            remedy="put each word into double quotes",
        )
    return tuple(found)


def _heredocs(
    made: Instruction, lines: list[str], number: int, name: str
) -> tuple[list[Heredoc], int]:
    """The heredocs whose beginnings an instruction has, and where it goes on behind them."""
    keyword, value = made.keyword, made.value
    if keyword == "ONBUILD":
        keyword = value.split(maxsplit=1)[0].upper() if value else ""
    if keyword not in _WITH_HEREDOC or made.words is not None or "<<" not in value:
        return [], number
    found = []
    for word in _raw_words(value, made.escape):
        match = _HEREDOC.match(word)
        if not match:
            continue
        begin, text = number, []
        while number < len(lines):
            line = lines[number].lstrip("\t") if match[2] else lines[number]
            number += 1
            if line == match[4]:
                break
            text.append(line + "\n")
        else:
            raise UserFault(
                f"{name}: nothing ends the text that begins with {word}",
                where=f"{name}:{made.line}",
                remedy=f"add a line with {match[4]}",
            )
        found.append(Heredoc(match[4], "".join(text), expand=not match[3], line=begin + 1))
    return found, number


def _raw_words(text: str, escape: str) -> Iterator[str]:
    """The words with their quotes."""
    token = re.escape(escape)
    yield from re.findall(rf"""(?:{token}.|"(?:{token}.|[^"{token}])*"|'[^']*'|\S)+""", text)

"""What an extension's Dockerfile may say.

image_extension.md, "Dockerfiles", as the lifecycle checks it (buildpack/dockerfile.go): it
reads both files with BuildKit's parser, of which this is the part that decides.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

__all__ = ["Instruction", "check", "instructions"]

_RECOMMENDED = ("FROM", "ADD", "ARG", "COPY", "ENV", "LABEL", "RUN", "SHELL", "USER", "WORKDIR")
_KNOWN = (
    *_RECOMMENDED,
    *("CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "MAINTAINER", "ONBUILD", "STOPSIGNAL"),
    "VOLUME",
)
_HEREDOC = re.compile(r"(?<![<\w])\d*<<(-?)\s*(['\"]?)([A-Za-z_][\w.]*)\2")
_DIRECTIVE = re.compile(r"#\s*([A-Za-z]+)\s*=\s*(\S*)")


class Instruction:
    """One instruction.

    Attributes:
        line: where it begins, from 1.
        name: in upper case.
        rest: what follows, its lines joined.
    """

    __slots__ = ("line", "name", "rest")

    def __init__(self, line: int, name: str, rest: str) -> None:
        self.line = line
        self.name = name
        self.rest = rest


def instructions(text: str) -> list[Instruction]:
    """Every instruction of a Dockerfile, in its order."""
    lines = text.replace("\r\n", "\n").split("\n")
    escape = _escape(lines)
    found: list[Instruction] = []
    at = 0
    while at < len(lines):
        start, whole = at, ""
        while at < len(lines):
            line = lines[at]
            at += 1
            stripped = line.strip()
            if not stripped or stripped.startswith("#"):
                if not whole:
                    break
                continue  # within an instruction both are skipped
            ended = line.rstrip()
            if ended.endswith(escape):
                whole += ended[:-1]
                continue
            whole += line
            break
        words = whole.split(None, 1)
        if not words:
            continue
        name = words[0].upper()
        found.append(Instruction(start + 1, name, words[1].strip() if len(words) > 1 else ""))
        if name in ("RUN", "COPY", "ADD"):
            at = _after_heredocs(lines, at, whole)
    return found


def _escape(lines: list[str]) -> str:
    for line in lines:
        directive = _DIRECTIVE.fullmatch(line.strip())
        if directive is None:
            break
        if directive[1].lower() == "escape":
            return directive[2]
    return "\\"


def _after_heredocs(lines: list[str], at: int, instruction: str) -> int:
    for tabs, _, word in _HEREDOC.findall(instruction):
        while at < len(lines) and (lines[at].lstrip("\t") if tabs else lines[at]) != word:
            at += 1
        at += 1
    return at


def check(
    kind: Literal["build", "run"], text: str
) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """What is wrong with a build.Dockerfile or run.Dockerfile.

    Returns:
        What the lifecycle refuses, and what it warns of: each a line and a message.
    """
    found = instructions(text)
    wrong = [
        (each.line, f"there is no instruction {each.name}")
        for each in found
        if each.name not in _KNOWN
    ]
    stages = [each for each in found if each.name == "FROM"]
    first = stages[0].line if stages else len(text)
    before = [each for each in found if each.line < first]
    wrong += [
        (each.line, f"{each.name} stands before FROM")
        for each in before
        if each.name in _KNOWN and each.name != "ARG"
    ]
    wrong += [(each.line, "FROM names no image") for each in stages if not _base(each)]
    if not stages:
        wrong.append((1, "there is no FROM"))
    wrong += [(each.line, "a second FROM: only one stage is allowed") for each in stages[1:]]
    if kind == "build":
        arguments = [each for each in before if each.name == "ARG"]
        names = [each.rest.split("=")[0].split()[:1] for each in arguments]
        if names != [["base_image"]]:
            line = arguments[0].line if arguments else 1
            wrong.append((line, "it has to begin with `ARG base_image`, and no other ARG"))
        if stages and _base(stages[0]) not in ("", "${base_image}"):
            wrong.append((stages[0].line, "it has to be built `FROM ${base_image}`"))
    doubtful = [
        (each.line, f"{each.name} is not recommended: other platforms may ignore it")
        for each in found
        if each.name in _KNOWN and each.name not in _RECOMMENDED
    ]
    return sorted(wrong), doubtful


def _base(stage: Instruction) -> str:
    words = [word for word in stage.rest.split() if not word.startswith("--")]
    return words[0] if words else ""

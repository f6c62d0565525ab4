"""The Dockerfiles that image extensions may write, read (image_extension.md).

No stages, no mounts, no addresses: what an extension may use is a small part of the language.
Variables are put in where Docker puts them in; a RUN has them in its environment instead.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cnbkit.errors import BuildpackFault
from cnbkit.spec.dockerfile import instructions
from cnbkit_engine.spec.dockerfile import assignments, expanded, split

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Instruction", "fill_in", "pairs", "read", "words"]

_KNOWN = ("ADD", "ARG", "COPY", "ENV", "FROM", "LABEL", "RUN", "SHELL", "USER", "WORKDIR")
_OPTION = re.compile(r"--([a-z-]+)(?:=(\S*))?\s+")


@dataclass(frozen=True)
class Instruction:
    """One instruction.

    Args:
        name: in capitals.
        text: what follows it and its options.
        line: where it stands, from 1.
        options: `--name=value` before the text.
    """

    name: str
    text: str
    line: int
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> list[str] | None:
        """The text, if it is a JSON list of words."""
        if not self.text.startswith("["):
            return None
        try:
            found = json.loads(self.text)
        except (ValueError, RecursionError):
            return None
        valid = isinstance(found, list) and all(isinstance(each, str) for each in found)
        return found if valid else None


def read(text: str, where: str) -> list[Instruction]:
    """The instructions of a Dockerfile.

    Args:
        text: its contents.
        where: its name, for faults.

    Raises:
        BuildpackFault: it has what an extension may not use; names every line.
    """
    found: list[Instruction] = []
    faults: list[tuple[int, str]] = []
    for said in instructions(text):
        line, name, rest = said.line, said.name, said.rest.strip()
        options: dict[str, str] = {}
        while name in ("ADD", "COPY", "RUN") and (match := _OPTION.match(rest)):
            options[match[1]] = match[2] or ""
            rest = rest[match.end() :]
        if name not in _KNOWN:
            faults.append((line, f"{name} is not applied here; there are {', '.join(_KNOWN)}"))
        elif options.keys() - ({"chown", "chmod"} if name != "RUN" else set()):
            faults.append((line, f"{name} has no --{', --'.join(sorted(options))} here"))
        elif "<<" in rest and re.search(r"<<-?[\"']?\w+", rest) and name != "LABEL":
            faults.append((line, "a here-document is not read; COPY a file instead"))
        elif name == "ADD" and "://" in rest:
            faults.append((line, "ADD of an address is not done; fetch it with RUN"))
        else:
            found.append(Instruction(name, rest, line, options))
    if faults:
        raise BuildpackFault.of(where, faults, remedy="use what every platform applies")
    return found


def fill_in(text: str, variables: Mapping[str, str]) -> str:
    """One word: quotes taken off, variables put in; one without a value is empty, as in Docker."""
    return expanded(text, variables, missing="")


def words(instruction: Instruction, variables: Mapping[str, str]) -> list[str]:
    """The words of COPY and the like: a JSON list, or separated by spaces."""
    if instruction.words is not None:
        return [fill_in(each, variables) for each in instruction.words]
    return split(instruction.text, variables, missing="")


def pairs(instruction: Instruction, variables: Mapping[str, str], where: str) -> dict[str, str]:
    """`name=value …` of ENV and LABEL; or the older `name value`.

    Raises:
        BuildpackFault: it is neither.
    """
    pieces = split(instruction.text, {})
    if pieces and "=" in pieces[0]:
        try:
            shlex.split(instruction.text)
        except ValueError as error:
            raise BuildpackFault(
                f"{instruction.name}: {error}",
                where=f"{where}:{instruction.line}",
                remedy="close the quotes",
            ) from None
        for piece in pieces:
            if "=" not in piece:
                raise BuildpackFault(
                    f"{instruction.name} has {piece!r}, which gives nothing a value",
                    where=f"{where}:{instruction.line}",
                    remedy='write name=value, in quotes if there are spaces: name="a value"',
                )
    return assignments(instruction.text, variables, missing="")

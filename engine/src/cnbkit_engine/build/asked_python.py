"""Which Python the app asks for, as far as that can be seen before a build.

Read as the `python` buildpack reads it, which decides: here it only chooses the base whose own
Python would do. What is written in another way than usual is not understood, and then no base is
better than another one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cnbkit_engine.state.app_text import app_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

__all__ = ["AskedPython", "asked_python"]

_VERSION, _FOLDER = "BP_PYTHON_VERSION", "BP_PYTHON_FOLDER"
# asdf's, for whatever is worked on.
_OF_MACHINE = ".tool-versions"
_PLAIN = re.compile(r"\d{1,9}(?:\.\d{1,9}){0,2}")
_SPELLING = re.compile(rf"(?:c?python)?[-@= ]*({_PLAIN.pattern})(?:\.[x*]|-dev)?")
# With a star only where PEP 440 has one; what Poetry makes of others is not for here.
_RELEASE = r"\d{1,9}(?:\.\d{1,9})*"
_CLAUSE = re.compile(rf"\s*(?:(>=|<=|~=|>|<)\s*({_RELEASE})|(==|!=)\s*({_RELEASE})(\.\*)?)\s*")
# What says it in a file whose lines are read one by one: the text in quotes behind a key.
_RANGES = (
    ("pyproject.toml", re.compile(r'^requires-python\s*=\s*"([^"]*)"', re.MULTILINE)),
    ("uv.lock", re.compile(r'^requires-python\s*=\s*"([^"]*)"', re.MULTILINE)),
    ("pylock.toml", re.compile(r'^requires-python\s*=\s*"([^"]*)"', re.MULTILINE)),
)
_POETRY = re.compile(
    r"""^\[tool\.poetry\.dependencies\][ \t]*\n(?:(?!\[).*\n)*?python\s*=\s*["']([^"']*)["']""",
    re.MULTILINE,
)
_PIPFILE = re.compile(r"""^python_(?:full_)?version\s*=\s*["']([^"']*)["']""", re.MULTILINE)


class AskedPython:
    """A version or range, with where it stands.

    Args:
        text: "3.13", "3.13.5" or clauses like ">=3.12,<4".
        source: for people.
    """

    def __init__(self, text: str, source: str) -> None:
        self.text = text
        self.source = source

    def satisfied_by(self, version: str) -> bool:
        """Whether a full version is one of those."""
        if _PLAIN.fullmatch(self.text):
            return f"{version}.".startswith(f"{self.text}.")
        return all(_clause_holds(clause, version) for clause in self.text.split(",") if clause)


def asked_python(app: Path, env: Mapping[str, str]) -> AskedPython | None:
    """What the app asks for; None if it does not, or not in a way that is understood here.

    Args:
        app: its folder.
        env: build-time variables, the builder's own among them.
    """

    def read(name: str) -> str:
        return app_text(app, f"{env.get(_FOLDER, '').strip()}/{name}") or ""

    found = [
        (match[1].strip(), file)
        for file, pattern in _RANGES
        for match in [pattern.search(read(file))]
        if match and match[1].strip()
    ]
    for text, source in _named(read, env):
        plain = _SPELLING.fullmatch(text)
        text = plain[1] if plain else text
        if source == _OF_MACHINE and plain and _excluded(text, [each for each, _ in found]):
            break
        return AskedPython(text, source) if _understood(text) else None
    if not found:
        return _of_tools(read)
    if not all(_understood(text) for text, _ in found):
        return None
    texts = list(dict.fromkeys(text for text, _ in found))
    if len(texts) > 1 and any(map(_PLAIN.fullmatch, texts)):
        return None
    files = " and ".join(file for _, file in found)
    return AskedPython(",".join(texts), f"requires-python in {files}")


def _excluded(version: str, ranges: list[str]) -> bool:
    """Whether the project's own ranges have no such version: they count, as for who installs."""
    releases = [version, *(f"{version}.{patch}" for patch in (0, 50) if version.count(".") < 2)]
    understood = bool(ranges) and all(map(_understood, ranges))
    return understood and not any(
        all(AskedPython(each, "").satisfied_by(release) for each in ranges) for release in releases
    )


def _named(read: Callable[[str], str], env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What names a version, the one that counts first."""
    if setting := env.get(_VERSION, "").strip():
        yield setting, _VERSION
    for file in (".python-version", "runtime.txt"):
        for line in _lines(read(file)):
            yield line, file
    for line in _lines(read(_OF_MACHINE)):
        tool, *versions = line.split()
        if tool == "python" and versions:
            yield versions[0], _OF_MACHINE


def _of_tools(read: Callable[[str], str]) -> AskedPython | None:
    """What Poetry's table says, or Pipenv's file."""
    if match := _POETRY.search(read("pyproject.toml")):
        text = ",".join(map(_of_poetry, match[1].split(",")))
        source = "tool.poetry.dependencies in pyproject.toml"
        return AskedPython(text, source) if _understood(text) else None
    if match := _PIPFILE.search(read("Pipfile")):
        return AskedPython(match[1], "Pipfile") if _PLAIN.fullmatch(match[1]) else None
    return None


def _of_poetry(clause: str) -> str:
    """A caret or tilde of two or three numbers as what it means, a bare number as that one."""
    clause = clause.strip()
    sign, version = clause[:1], clause[1:]
    if sign.isdigit():
        return f"=={clause}"  # of 3.13 the very first release alone
    if sign not in ("^", "~") or version.count(".") not in (1, 2) or not _PLAIN.fullmatch(version):
        return clause
    major, minor = _numbers(version)[:2]
    return f">={version},<{major + 1}" if sign == "^" else f">={version},<{major}.{minor + 1}"


def _understood(text: str) -> bool:
    return bool(_PLAIN.fullmatch(text)) or all(
        _CLAUSE.fullmatch(clause) for clause in text.split(",") if clause.strip()
    )


def _clause_holds(clause: str, version: str) -> bool:
    match = _CLAUSE.fullmatch(clause)
    if not match:
        return False
    star = match[5]
    sign, bound = match[1] or match[3], match[2] or match[4]
    numbers, limit = _numbers(version), _numbers(bound)
    prefix = numbers[: len(limit)] == limit
    if star:
        return sign in ("==", "!=") and prefix == (sign == "==")
    if sign == "~=":
        return numbers >= limit and numbers[: len(limit) - 1] == limit[:-1]
    width = max(len(numbers), len(limit))
    one, other = ([*each, *[0] * (width - len(each))] for each in (numbers, limit))
    return {
        ">=": one >= other,
        "<=": one <= other,
        ">": one > other,
        "<": one < other,
        "==": one == other,
        "!=": one != other,
    }[sign]


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(".")]


def _lines(text: str) -> list[str]:
    found = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in found if line]

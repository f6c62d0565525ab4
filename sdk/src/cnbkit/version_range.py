"""Whether a version is in a range, and which of two is the newer.

Two notations: `semver`, as npm reads ranges (`20.*`, `^1.2`, `~1.2.3`, `>=18 <21`, `1 || 2`,
`1.2 - 2.3`), with versions of any number of parts; and `pep440`, as Python's packages do
(`>=3.11,<3.13`, `==3.12.*`, `~=3.12`).
"""

from __future__ import annotations

import re

from cnbkit.errors import BuildpackFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, TypeAlias

    Scheme: TypeAlias = Literal["semver", "pep440"]
    Version: TypeAlias = tuple[tuple[int, ...], tuple[Any, ...]]

__all__ = ["VersionRange", "version_key"]

_VERSION = re.compile(r"[v=]?(\d+(?:\.\d+)*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_SIMPLE = re.compile(
    r"(<=|>=|<|>|=|\^|~>?)?\s*v?([\dxX*]+(?:\.[\dxX*]+)*(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?)"
)
_HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)")
# Before every pre-release of its release: what a range leaves out it leaves out whole.
_LOWEST = "0"


class VersionRange:
    """A range of versions.

    Args:
        text: the range; empty, `*` and `latest` stand for all that are not pre-releases.
        scheme: its notation.

    Raises:
        ValueError: it is none.
    """

    def __init__(self, text: str, scheme: Scheme = "semver") -> None:
        self.text = text.strip()
        self._pep440 = _specifiers(self.text) if scheme == "pep440" else None
        self._choices: list[list[tuple[str, Version]]] = []
        if scheme == "semver":
            plain = "*" if self.text in ("", "latest") else self.text
            self._choices = [_comparators(each.strip(), self.text) for each in plain.split("||")]

    def __contains__(self, version: str) -> bool:
        if self._pep440 is not None:
            return bool(self._pep440.contains(version))
        found = _parsed(version)
        return any(_fits(found, choice) for choice in self._choices)


def version_key(version: str, scheme: Scheme = "semver") -> Any:
    """Something to sort versions by, the oldest first.

    Raises:
        ValueError: it is not a version.
    """
    if scheme == "pep440":
        return _packaging("version").Version(version)
    return _parsed(version)


def _parsed(version: str) -> Version:
    match = _VERSION.fullmatch(version.strip())
    if not match:
        raise ValueError(f"{version!r} is not a version")
    return _release(match[1].split(".")), _pre(match[2])


def _release(parts: list[str]) -> tuple[int, ...]:
    numbers = [int(part) for part in parts]
    while len(numbers) > 3 and numbers[-1] == 0:
        numbers.pop()
    return (*numbers, *[0] * (3 - len(numbers)))


def _pre(text: str | None) -> tuple[Any, ...]:
    """Numbers before words, and any pre-release before the release itself."""
    if text is None:
        return (1,)
    parts = text.split(".")
    return (0, *((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts))


def _fits(version: Version, comparators: list[tuple[str, Version]]) -> bool:
    for sign, bound in comparators:
        low, high = version < bound, version > bound
        if {"<": not low, "<=": high, ">": not high, ">=": low, "=": low or high}[sign]:
            return False
    # A pre-release is only for whoever names one of the same release.
    release, pre = version
    return pre == (1,) or any(bound[0] == release and bound[1] != (1,) for _, bound in comparators)


def _comparators(text: str, whole: str) -> list[tuple[str, Version]]:
    hyphen = _HYPHEN.fullmatch(text)
    if hyphen:
        return [*_simple(">=", hyphen[1], whole), *_simple("<=", hyphen[2], whole)]
    found: list[tuple[str, Version]] = []
    at = 0
    while at < len(text):
        if text[at] in ", \t":
            at += 1
            continue
        match = _SIMPLE.match(text, at)
        if not match or text[match.end() : match.end() + 1] not in ("", " ", "\t", ","):
            raise ValueError(f"{whole!r} is not a range of versions")
        found += _simple(match[1] or "=", match[2], whole)
        at = match.end()
    return found


def _simple(sign: str, text: str, whole: str) -> list[tuple[str, Version]]:
    release, _, pre = text.partition("+")[0].removeprefix("v").partition("-")
    parts = release.split(".")
    known = [int(part) for part in parts if part.isdigit()]
    full = len(known) == len(parts) >= 3
    open_ended = [part in ("x", "X", "*") for part in parts[len(known) :]]
    if not parts[: len(known)] == [part for part in parts if part.isdigit()] or not all(open_ended):
        raise ValueError(f"{whole!r} is not a range of versions")
    if pre and not full:
        raise ValueError(
            f"{whole!r} is not a range of versions: a pre-release is of a whole version"
        )
    at = (_release([str(each) for each in known]), _pre(pre or None))
    if not known:
        # Nothing is below or above all there is.
        return [("<", ((0, 0, 0), _pre(_LOWEST)))] if sign in ("<", ">") else [(">=", at)]
    if sign in ("^", "~", "~>"):
        return [(">=", at), ("<", _after(known, _kept(sign, known)))]
    if sign == "=":
        return [("=", at)] if full else [(">=", at), ("<", _after(known, len(known)))]
    if full or sign == ">=":
        return [(sign, at)]
    if sign == "<":
        return [("<", (at[0], _pre(_LOWEST)))]
    end = _after(known, len(known))
    return [("<", end)] if sign == "<=" else [(">=", (end[0], (1,)))]


def _kept(sign: str, known: list[int]) -> int:
    """How many parts have to stay as they are."""
    if sign != "^":
        return min(2, len(known))
    first = next((at for at, number in enumerate(known[:3]) if number), None)
    return min(3, len(known)) if first is None else first + 1


def _after(known: list[int], kept: int) -> Version:
    """The first version with other first parts."""
    parts = known[:kept]
    parts[-1] += 1
    return _release([str(each) for each in parts]), _pre(_LOWEST)


def _specifiers(text: str) -> Any:
    specifiers = _packaging("specifiers")
    try:
        return specifiers.SpecifierSet("" if text in ("*", "latest") else text)
    except specifiers.InvalidSpecifier as error:
        raise ValueError(f"{text!r} is not a range of versions: {error}") from None


def _packaging(module: str) -> Any:
    try:
        return __import__(f"packaging.{module}", fromlist=["Version"])
    except ImportError:
        raise BuildpackFault(
            "ranges in the notation of PEP 440 need the package packaging",
            remedy="name packaging in requirements.in and lock it",
        ) from None

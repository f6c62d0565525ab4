"""Ranges of versions: Poetry's constraints and PEP 440's specifiers, joined and asked.

A range is text: specifiers, with ` || ` between alternatives.
"""

from __future__ import annotations

from cnbkit_python.spelling import is_plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["allows", "both", "members", "of_poetry", "request", "some_release"]

_OR = " || "
# Minor versions of Python 3 that exist or may, and patches of each.
_MINORS = range(60)
_PATCHES = range(50)
# The newest that most packages have wheels for; a later one is taken where nothing else fits.
_SETTLED = 14


def of_poetry(constraint: str) -> str:
    """A constraint as Poetry writes it: `^3.11` is `>=3.11,<4`."""
    parts = constraint.replace("||", "|").split("|")
    return _OR.join(_conjunction(part) for part in parts)


def allows(wanted: str, version: str) -> bool:
    """Whether a full version is in a range; "3.12" is one as well, and holds 3.12.4."""
    return members(wanted)(version)


def members(wanted: str) -> Callable[[str], bool]:
    """Says of full versions whether they are in a range."""
    if is_plain(wanted):
        return lambda version: f"{version}.".startswith(f"{wanted}.")
    from packaging.specifiers import SpecifierSet

    alternatives = [SpecifierSet(each) for each in _parts(_ranged(wanted))]
    return lambda version: any(each.contains(version, prereleases=True) for each in alternatives)


def both(one: str, other: str) -> str:
    """The range of what is in both."""
    found = []
    for left in _parts(_ranged(one)):
        for right in _parts(_ranged(other)):
            clauses = [each.strip() for each in f"{left},{right}".split(",") if each.strip()]
            found.append(",".join(dict.fromkeys(clauses)))
    return _OR.join(dict.fromkeys(found))


def some_release(wanted: str) -> bool:
    """Whether any Python 3 could be in a range."""
    return bool(_release(wanted, _MINORS))


def request(wanted: str, base: str) -> str:
    """What to install for a range: one minor version, as narrow as the range has it.

    Of several the newest that packages are ready for: `^3.14` is 3.14, not 3.15.

    Args:
        wanted: a range, or a version, which stays what it is.
        base: the base image's version; what it has counts as ready.

    Returns:
        "3.12", or specifiers for one minor version; empty if no Python 3 is in the range.
    """
    if is_plain(wanted):
        return wanted
    numbers = base.split(".")
    ready = max(_SETTLED, int(numbers[1]) if len(numbers) > 1 and numbers[1].isdigit() else 0)
    order = [*range(ready, -1, -1), *range(ready + 1, _MINORS.stop)]
    found = _release(wanted, order)
    if not found:
        return ""
    minor = ".".join(found.split(".")[:2])
    if f"=={found}" == wanted:
        return found
    fitting = [patch for patch in _PATCHES if allows(wanted, f"{minor}.{patch}")]
    if len(fitting) == len(_PATCHES):
        return minor
    if len(fitting) == 1:
        return f"{minor}.{fitting[0]}"
    part = next(each for each in _parts(wanted) if allows(each, found))
    return f"{part},=={minor}.*"


def _release(wanted: str, minors: list[int] | range) -> str:
    from packaging.specifiers import SpecifierSet

    alternatives = [SpecifierSet(each) for each in _parts(_ranged(wanted))]
    for minor in minors:
        for patch in _PATCHES:
            version = f"3.{minor}.{patch}"
            if any(each.contains(version, prereleases=True) for each in alternatives):
                return version
    # A release candidate by name, or no Python 3.
    exact = wanted.removeprefix("==")
    return exact if exact != wanted and exact[:2] == "3." and "*" not in exact else ""


def _parts(wanted: str) -> list[str]:
    return [each.strip() for each in wanted.split("||")]


def _ranged(wanted: str) -> str:
    """A version as a range."""
    if not is_plain(wanted):
        # A release candidate, or more numbers than Python's versions have.
        return f"=={wanted}" if wanted[:1].isdigit() else wanted
    return f"=={wanted}" if wanted.count(".") > 1 else f"=={wanted}.*"


def _conjunction(text: str) -> str:
    spaced = text.replace(",", " ").split()
    clauses: list[str] = []
    for word in spaced:
        # `>= 3.9`: the sign stands alone.
        if clauses and not clauses[-1].strip("<>=!~^"):
            clauses[-1] += word
        else:
            clauses.append(word)
    return ",".join(filter(None, map(_clause, clauses)))


def _clause(clause: str) -> str:
    sign, version = clause[:1], clause[1:].strip()
    numbers = version.split(".")
    if sign in ("^", "~") and numbers[0].isdigit() and not version.startswith("="):
        return f">={version},<{_above(sign, numbers)}"
    if sign == "=" and version[:1].isdigit():
        return f"=={version}"
    if clause.startswith(("<", ">")):
        return clause.removesuffix(".*")
    if clause[:1].isdigit():
        return f"=={clause}"
    return "" if clause == "*" else clause


def _above(sign: str, numbers: list[str]) -> str:
    """The first version that is too high: the first number counts, of `~3.11` the second."""
    whole = [int(each) if each.isdigit() else 0 for each in numbers]
    if sign == "~":
        held = 1 if len(whole) == 1 else 2
    else:  # the first number that is not 0
        held = next((at for at, each in enumerate(whole, 1) if each), len(whole))
    return ".".join(map(str, [*whole[: held - 1], whole[held - 1] + 1]))

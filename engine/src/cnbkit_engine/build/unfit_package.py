"""Which of an app's packages is too old for the Python of a base, and fits that of an older one.

Hardly anybody writes down which Python a project is for; its requirements tell. A lock names its
wheels, and they say it of every package. Requirements have versions only: then a list of packages
that are compiled, made by tools/first-wheels, knows the first version with wheels. What is not
known for certain is not judged: the app then gets the base it would get anyway.
"""

from __future__ import annotations

import posixpath
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cnbkit_engine.build.asked_python import AskedPython
from cnbkit_engine.state.app_text import app_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["NEWEST", "UnfitPackage", "first_wheels", "unfit_package"]

NEWEST = "3.13"
"""The Python that the list of first versions is for."""

_INPUT, _FOLDER = "BP_PYTHON_INPUT", "BP_PYTHON_FOLDER"
# As the `python` buildpack chooses: a lock before what it was made of.
_WITH_WHEELS = ("pylock.toml", "uv.lock", "poetry.lock", "pdm.lock")
_OTHERS = ("Pipfile.lock", "requirements.txt", "requirements.in", "Pipfile", "pyproject.toml")
_WHEEL = re.compile(
    r"(?<![\w.])(?P<name>[A-Za-z0-9][\w.]*)-(?P<version>[^-\s/\"']+)-(?:\d[^-\s]*-)?"
    r"(?P<python>[a-z0-9.]+)-(?P<abi>[a-z0-9_.]+)-(?P<platform>[a-z0-9_.]+)\.whl"
)
_REQUIREMENT = re.compile(
    r"\s*(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*\(?(?P<range>[<>=!~][^;#\\)]*?)?\)?"
    r"\s*(?:;(?P<marker>[^#\\]*?))?\s*(?:\s--hash=.*|\s#.*|\\)?"
)
_BELOW = re.compile(r"(===?|<=?|~=)\s*v?(\d{1,9}(?:\.\d{1,9})*)(\.\*)?")
_PYTHON = re.compile(
    r"python_(?:full_)?version\s*(<=|>=|==|!=|~=|<|>)\s*[\"']([\d.]+(?:\.\*)?)[\"']"
)
_INCLUDED = re.compile(r"\s*(?:-r|--requirement|-c|--constraint)[\s=]+(\S+)")
_MOST_FILES = 50


class UnfitPackage(NamedTuple):
    """A package that has no wheels for a Python.

    Args:
        name: as it is written.
        version: what is asked for, "==1.24.4"; empty if any.
        file: where.
    """

    name: str
    version: str
    file: str

    def __str__(self) -> str:
        return f"{self.name}{self.version} in {self.file}"


def unfit_package(
    app: Path, env: Mapping[str, str], python: str, other: str
) -> UnfitPackage | None:
    """The first package that has no wheels for a Python, and has some for an older one.

    The other way round there is none: a lock for several Pythons has packages that only a newer
    one needs (audioop-lts), and what asks for a newer one says so by its `requires-python`.

    Args:
        app: its folder.
        env: build-time variables.
        python: the one that the app gets otherwise, "3.13".
        other: the one that it may get.
    """
    if _numbers(other) >= _numbers(python):
        return None
    folder = env.get(_FOLDER, "").strip()

    def read(name: str) -> str:
        return app_text(app, f"{folder}/{name}") or ""

    names = [name.strip() for name in env.get(_INPUT, "").split(",") if name.strip()]
    names = (
        names or [name for name in (*_WITH_WHEELS, *_OTHERS) if (app / folder / name).is_file()][:1]
    )
    for name in names:
        if name.endswith(_WITH_WHEELS):
            if found := _of_wheels(read(name), python, other):
                return UnfitPackage(*found, name)
        elif python == NEWEST:
            for written, wanted, file in _requirements(read, name, python):
                if _too_old(written, wanted):
                    return UnfitPackage(written, wanted.strip(), file)
    return None


@cache
def first_wheels() -> Mapping[str, str]:
    """The first version for `NEWEST`, by package; empty if there is none yet."""
    lines = Path(__file__).with_name("first_wheels.txt").read_text().splitlines()
    pairs = (line.partition("#")[0].split() for line in lines)
    return {name: "" if version == "-" else version for name, version in filter(None, pairs)}


def _of_wheels(text: str, python: str, other: str) -> tuple[str, str] | None:
    """A package of a lock whose wheels are for the one and not for the other."""
    has: dict[str, set[str]] = {}
    versions: dict[str, str] = {}
    for wheel in _WHEEL.finditer(text):
        platform = wheel["platform"]
        if "linux" in platform or platform == "any":
            # A lock may hold two versions, one for each Python.
            pythons = has.setdefault(wheel["name"], set())
            versions[wheel["name"]] = wheel["version"]
            pythons.update(
                each for each in (python, other) if _runs_on(wheel["python"], wheel["abi"], each)
            )
    for name, pythons in has.items():
        if pythons == {other}:
            return name.replace("_", "-"), f"=={versions[name]}"
    return None


def _runs_on(tags: str, abis: str, python: str) -> bool:
    own = f"cp{python.replace('.', '')}"
    for tag in tags.split("."):
        if tag in ("py3", own) and (tag == "py3" or own in abis.split(".") or abis == "none"):
            return True
        made = re.fullmatch(r"cp3(\d+)", tag)
        if made and abis == "abi3" and int(made[1]) <= int(python.partition(".")[2]):
            return True
    return False


def _requirements(
    read: Callable[[str], str], name: str, python: str
) -> Iterator[tuple[str, str, str]]:
    """Name, range and file of each package that a Python gets, where it can be told."""
    if name.endswith("Pipfile.lock"):
        lines = _of_pipfile_lock(read(name))
    elif name.endswith("pyproject.toml"):
        lines = _of_project(read(name))
    elif name.endswith("Pipfile"):
        lines = iter(())
    else:
        for line, file in _lines(read, name, set()):
            yield from _read(line, file, python)
        return
    for line in lines:
        yield from _read(line, name, python)


def _read(line: str, file: str, python: str) -> Iterator[tuple[str, str, str]]:
    # The pattern's time grows with the power of a run of blanks.
    found = _REQUIREMENT.fullmatch(" ".join(line.split()))
    if not found:
        return
    marker = found["marker"] or ""
    clauses = ",".join(f"{sign}{bound}" for sign, bound in _PYTHON.findall(marker))
    elsewhere = "platform" in marker or "os_name" in marker or "extra" in marker
    if elsewhere or " or " in marker or not AskedPython(clauses, "").satisfied_by(f"{python}.0"):
        return
    yield found["name"], found["range"] or "", file


def _lines(read: Callable[[str], str], name: str, seen: set[str]) -> Iterator[tuple[str, str]]:
    """Each line of a requirements file, and of those it includes, each file once."""
    seen.add(name)
    for line in read(name).splitlines():
        included = _INCLUDED.match(line)
        if included:
            other = posixpath.normpath(posixpath.join(posixpath.dirname(name), included[1]))
            if other not in seen and len(seen) < _MOST_FILES:
                yield from _lines(read, other, seen)
        else:
            yield line, name


def _of_pipfile_lock(text: str) -> Iterator[str]:
    import json

    try:
        default = json.loads(text)["default"]
        for name, entry in default.items():
            marker = f" ; {entry['markers']}" if "markers" in entry else ""
            yield f"{name}{entry.get('version', '')}{marker}"
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return  # pipenv says what is wrong with it


def _of_project(text: str) -> Iterator[str]:
    import tomllib

    try:
        found = tomllib.loads(text).get("project", {}).get("dependencies", [])
    except (ValueError, AttributeError, RecursionError):
        return
    yield from (each for each in found if isinstance(each, str))


def _too_old(name: str, wanted: str) -> bool:
    """Whether all versions that are asked for are before the first one with wheels."""
    first = first_wheels().get(re.sub(r"[-_.]+", "-", name).lower())
    if first is None:
        return False
    if not first:
        return True
    for sign, bound, star in _BELOW.findall(wanted):
        limit, start = _numbers(bound), _numbers(first)
        if sign == "<":
            below = _padded(limit, start) <= _padded(start, limit)
        elif star or sign == "~=":
            head = limit if star else limit[:-1]
            below = start[: len(head)] > head
        else:
            below = _padded(limit, start) < _padded(start, limit)
        if below:
            return True
    return False


def _padded(numbers: list[int], other: list[int]) -> list[int]:
    return [*numbers, *[0] * (len(other) - len(numbers))]


def _numbers(version: str) -> list[int]:
    return [int(each) for each in re.findall(r"\d+", version)]

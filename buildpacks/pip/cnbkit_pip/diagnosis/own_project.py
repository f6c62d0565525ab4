"""A package of the app's own that its build backend cannot make: what the backend looked for."""

from __future__ import annotations

import os
import re

from cnbkit import UserFault

__all__ = ["last_words", "own_fault", "undeclared"]

_LOCAL = re.compile(
    r"Failed to build [`'](?P<name>[A-Za-z0-9._-]+) @ file://(?P<path>[^`'\n]+)[`']"
)
# setuptools, where folders of data lie beside the package.
_SEVERAL = re.compile(
    r"Multiple top-level (?P<kind>packages|modules) discovered in a flat-layout: "
    r"\[(?P<names>[^\]]*)\]"
)
# hatchling; uv_build; poetry-core, flit.
_NO_MODULE = re.compile(
    r"Unable to determine which files to ship inside the wheel"
    r"|Expected a Python module at: (?P<place>\S+)"
    r"|No file/folder found for (?:package|module) (?P<module>\S+)"
    r"|error: package directory '(?P<folder>[^']+)' does not exist"
)
_README = re.compile(
    r"Readme file does not exist: (?P<hatch>\S+)|Readme path `(?P<poetry>[^`]+)` does not exist"
    r"|Description file (?P<flit>\S+) does not exist|Readme file not found \('(?P<pdm>[^']+)'\)"
)
_NO_BACKEND = re.compile(r"ModuleNotFoundError: No module named '(?P<name>\w+)'")
# The last line of a traceback, or what setuptools says last.
_LAST = re.compile(r"^ *(?:(?:[\w.]+\.)?\w*(?:Error|Exception|NotFound)|error): .+$", re.MULTILINE)
# uv's own line about it; what a compiler says first.
_UVS = re.compile(r" *error: Failed to (?:build|download)")
_COMPILER = re.compile(r"^ *\S+:\d+:\d+: (?:fatal )?error: (?P<said>.+)$", re.MULTILINE)
_MOST = 200
# uv's words on a key that PEP 621 wants.
_LACKING = re.compile(
    r"required `project\.(?P<key>\w+)` field is (?:not|neither) set|missing field `(?P<name>name)`"
)
_PROJECT = re.compile(r"Failed to parse: `?(?P<file>\S*pyproject\.toml)")
_LINE = re.compile(r"at line (?P<line>\d+)")
_EXAMPLES = {"name": "my-app", "version": "0.1.0"}
_WITHOUT = "build with --env BP_PYTHON_PROJECT=none, which leaves the project itself out"


def undeclared(output: str, shown: str | None, reason: str = "") -> UserFault | None:
    """What is wrong with pyproject.toml as a project's; None if uv does not say that of it.

    Args:
        output: all that was printed.
        shown: what of it the fault shows.
        reason: the sentence of it that is about the file; may be empty.
    """
    text = _unbroken(output)
    found = _PROJECT.search(text)
    if not found:
        return None
    line = _LINE.search(text)
    what = "pyproject.toml does not declare a project correctly"
    # The words about a key follow the picture of its line.
    said = output.rpartition("^\n")[2] if reason.startswith("TOML parse error") else ""
    said = next((each.strip() for each in said.splitlines() if each.strip()), "")
    if said:
        reason = f"correct the line: {said.rstrip(':')}"
    remedy = reason or "correct what is named below: [project] needs a name and a version (PEP 621)"
    if lacking := _LACKING.search(text):
        key = lacking["key"] or lacking["name"]
        what = f"[project] in pyproject.toml has no {key}"
        remedy = f'add the line `{key} = "{_EXAMPLES.get(key, "…")}"` below [project]'
    where = f"{found['file']}:{line['line']}" if line else found["file"]
    return UserFault(what, where=where, remedy=remedy, detail=shown)


def own_fault(output: str, shown: str | None, root: str = "") -> UserFault | None:
    """Why a folder of the app cannot be made a package; None if it is something else that failed.

    Args:
        output: all that was printed.
        shown: what of it the fault shows.
        root: the app's directory; if empty the current one, in which buildpacks run.
    """
    root = root or os.getcwd()
    found = _LOCAL.search(_unbroken(output))
    if not found or not f"{found['path']}/".startswith(f"{root}/"):
        return None
    folder = found["path"].removeprefix(root).strip("/")
    file = f"{folder}/pyproject.toml" if folder else "pyproject.toml"
    why, change = _reason(output, found["name"])
    return UserFault(
        f"{found['name']}, the app's own package, cannot be built: {why}",
        where=_placed(found["path"], file, "readme" if "its readme" in why else "[build-system]"),
        remedy=change if folder or change.startswith("build with") else f"{change}; or {_WITHOUT}",
        detail=shown,
    )


def _placed(folder: str, file: str, word: str) -> str:
    """`file:line` of the first line that begins with a word; the file if none does."""
    try:
        with open(f"{folder}/pyproject.toml", encoding="utf-8") as opened:
            lines = opened.read().splitlines()
    except (OSError, ValueError):
        return file
    found = [number for number, line in enumerate(lines, 1) if line.strip().startswith(word)]
    return f"{file}:{found[0]}" if found else file


def _unbroken(output: str) -> str:
    """On one line: uv breaks long ones where there is white space."""
    return " ".join(output.split())


def _reason(output: str, name: str) -> tuple[str, str]:
    text = _unbroken(output)
    if several := _SEVERAL.search(text):
        names = sorted(several["names"].replace("'", "").split(", "))
        listed = "packages" if several["kind"] == "packages" else "py-modules"
        quoted = ", ".join(f'"{each}"' for each in names)
        return (
            f"setuptools finds {', '.join(names)} and does not know which is the package",
            f"name what is, in pyproject.toml: [tool.setuptools] {listed} = [{quoted}]",
        )
    if missing := _NO_MODULE.search(text):
        place = missing["place"] or missing["module"] or missing["folder"]
        what = f"there is no {place}" if place else f"there is no folder that is called {name}"
        return what, "name the folder with the code in pyproject.toml, as the backend wants it"
    if readme := _README.search(text):
        path = next(each for each in readme.groups() if each).rpartition("/workspace/")[2]
        return (
            f"there is no {path}, which pyproject.toml names as its readme",
            f"add {path}, or take `readme` out of pyproject.toml",
        )
    if backend := _NO_BACKEND.search(text):
        return (
            f"it needs {backend['name']} to be built, and [build-system] does not require it",
            f'add "{backend["name"].replace("_", "-")}" to requires below [build-system]',
        )
    last = last_words(output)
    return last or "the backend says no reason", "correct what is said" if last else _WITHOUT


def last_words(output: str) -> str:
    """What a build backend says last, as a rule the end of a traceback; empty if nothing."""
    last = [each for each in _LAST.findall(output) if not _UVS.match(each)]
    compiler = _COMPILER.search(output)
    words = (
        compiler["said"] if compiler else last[-1].strip().removeprefix("error: ") if last else ""
    )
    return words[:_MOST]

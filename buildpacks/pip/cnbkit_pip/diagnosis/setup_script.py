"""A setup.py of the app's own that does not run to its end: at which of its lines, and why."""

from __future__ import annotations

import os
import re

from cnbkit import UserFault
from cnbkit_import_names import DISTRIBUTIONS

__all__ = ["setup_fault"]

# All of it on one line: uv breaks long ones where there is white space.
_LOCAL = re.compile(r"Failed to build [`'][A-Za-z0-9._-]+ @ file://(?P<path>[^`']+)[`']")
_OTHERS = re.compile(
    r"Failed to (?:build|download and build) [`'][A-Za-z0-9._-]+(?:==| @ (?!file:))"
)
# setuptools executes the file's text, which has no name then.
_RUN = re.compile(r"build_meta\.py\", line \d+, in run_setup exec\(code")
_FRAME = re.compile(r"File \"(?P<file>[^\"]*)\", line (?P<line>\d+)")
_END = re.compile(r"(?P<kind>[A-Za-z][\w.]*(?:Error|Exception|Exit)): (?P<text>.*?)(?: hint: |$)")
_NO_CALL = "Exactly one .egg-info should have been produced, but found 0"
_FILE = re.compile(r"No such file or directory: '(?P<path>[^']+)'")
_MODULE = re.compile(r"No module named '(?P<name>\w+)")


def setup_fault(output: str, shown: str | None, root: str = "") -> UserFault | None:
    """What setup.py ended with; None if it is not the app's, or something else that failed.

    Args:
        output: all that was printed.
        shown: what of it the fault shows.
        root: the app's directory; if empty the current one, in which buildpacks run.
    """
    root, text = root or os.getcwd(), " ".join(output.split())
    if _OTHERS.search(text):
        return None
    local = _LOCAL.search(text)
    folder = local["path"] if local else root
    if not f"{folder}/".startswith(f"{root}/"):
        return None
    file = f"{folder.removeprefix(root).strip('/')}/setup.py".lstrip("/")
    if _NO_CALL in text:
        return UserFault(
            f"{file} does not call setup()",
            where=file,
            remedy="call setuptools.setup(…) in it with a name and a version, or write what is "
            "needed into requirements.txt",
            detail=shown,
        )
    began = _RUN.search(text)
    frames = list(_FRAME.finditer(text, began.end())) if began else []
    line = next((each["line"] for each in frames if each["file"] == "<string>"), "")
    end = _END.search(text, frames[-1].end()) if line else None
    if end is None:
        return None
    what, remedy = _reason(end, file, legacy="__legacy__" in text)
    return UserFault(what, where=f"{file}:{line}", remedy=remedy, detail=shown)


def _reason(end: re.Match[str], file: str, *, legacy: bool) -> tuple[str, str]:
    kind, text = end["kind"].rpartition(".")[2], end["text"].strip()
    if kind == "SyntaxError":
        return f"{file} is not Python 3: {text}", "correct that line"
    if found := _FILE.search(text):
        path = found["path"].rpartition("/workspace/")[2]
        return (
            f"{file} reads {path}, which is not there",
            f"add {path}, or take it out of .dockerignore if it stands there",
        )
    if kind == "ModuleNotFoundError" and (found := _MODULE.search(text)):
        name = found["name"]
        package = DISTRIBUTIONS.get(name.lower().replace("_", "-"), name.replace("_", "-"))
        change = f'add "{package}" to requires below [build-system] in pyproject.toml'
        if legacy:
            change = (
                f'write a pyproject.toml: [build-system] requires = ["setuptools", "{package}"], '
                'build-backend = "setuptools.build_meta"'
            )
        return f"{file} imports {name}, which is not there when packages are built", change
    return f"{file} cannot be run: {kind}: {text}"[:300], "correct that line"

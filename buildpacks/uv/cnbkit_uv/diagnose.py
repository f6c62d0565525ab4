"""uv's errors, and wrong settings, in terms of what the user wrote."""

from __future__ import annotations

import re

from cnbkit import CnbkitError, CommandFailed, PlatformFault, UserFault
from cnbkit_lock_front_end.outside import outside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit.app import App

__all__ = [
    "incomparable",
    "is_definite",
    "lacked_network",
    "out_of_step",
    "unreadable",
]

_PYTHON = re.compile(r"Python (?P<version>\S+), which is incompatible .*: `(?P<wanted>[^`]+)`")
_VERSION = re.compile(r"unsupported schema version \((?P<version>v\d+)")
_PARSE = re.compile(r"Failed to parse:? `?(?P<file>[^`\s]+)")
_NETWORK = ("Request failed", "error sending request", "dns error", "Connection refused")
_CAUSE = re.compile(r"(?:cause|Caused by): ([^\n]+)")
_NO_SUCH = re.compile(r"Distribution not found at: file://(?P<path>\S+)")
_LINE = re.compile(r"at line (?P<line>\d+)")


def is_definite(failed: CommandFailed) -> bool:
    """Whether uv says that the lock is out of step, and not that it could not find out."""
    return "needs to be updated" in failed.output


def lacked_network(failed: CommandFailed) -> bool:
    """Whether uv would have asked an index, which it was not allowed to."""
    return "network was disabled" in failed.output


def incomparable(failed: CommandFailed, app: App) -> CnbkitError:
    """What a local package depends on could not be found out."""
    if any(sign in failed.output for sign in _NETWORK):
        return PlatformFault(
            "uv.lock cannot be compared with pyproject.toml: the package index cannot be reached",
            where="uv lock --check",
            remedy="check the network and the index settings, or declare the dependencies of "
            "local packages in [project], where they can be read without an index",
            detail=failed.shown,
        )
    return unreadable(failed, app)


def out_of_step(failed: CommandFailed, app: App) -> UserFault:
    """The lock is not what `uv lock` would make of the project."""
    if beside := _beside(failed, app):
        return beside
    return UserFault(
        "uv.lock is out of step with pyproject.toml"
        if is_definite(failed)
        else "uv.lock is out of step with pyproject.toml: uv cannot derive one from the other",
        where="uv.lock",
        remedy="run `uv lock` and commit uv.lock",
        detail=None if is_definite(failed) else failed.shown,
    )


def unreadable(failed: CommandFailed, app: App) -> UserFault:
    """The lock or the project is nothing uv can use."""
    if beside := _beside(failed, app):
        return beside
    output = failed.output
    if found := _PYTHON.search(output):
        return UserFault(
            f"the project wants Python {found['wanted']}, and this image has {found['version']}",
            where="pyproject.toml (requires-python)",
            remedy="choose the Python with .python-version or BP_PYTHON_VERSION; or widen "
            "requires-python and run `uv lock`",
        )
    if found := _VERSION.search(output):
        return UserFault(
            f"uv.lock has a format ({found['version']}) that this uv cannot read",
            where="uv.lock",
            remedy="use a newer version of the buildpack cnbkit/uv",
            detail=failed.shown,
        )
    if "No `pyproject.toml` found" in output:
        return UserFault(
            "there is a uv.lock without its pyproject.toml",
            where="uv.lock",
            remedy="add pyproject.toml, or delete uv.lock",
        )
    parsed = _PARSE.search(output)
    file = parsed["file"] if parsed else "uv.lock"
    line = _LINE.search(output) if parsed else None
    caused = _CAUSE.findall(output)
    why = f": {caused[-1].strip().rstrip('.')}" if caused else ""
    return UserFault(
        f"uv cannot read {file}{why}",
        where=f"{file}:{line['line']}" if line else file,
        remedy="correct it" if file != "uv.lock" else "run `uv lock` and commit uv.lock",
        detail=failed.shown,
    )


def _beside(failed: CommandFailed, app: App) -> UserFault | None:
    """The project needs a package of a folder that the build has not."""
    found = _NO_SUCH.search(failed.output)
    return outside(app, found["path"], "pyproject.toml", "uv.lock") if found else None

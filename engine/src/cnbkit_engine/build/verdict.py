"""What is said of an app that no group of buildpacks fits: what it looks like, and the next step.

What every buildpack has looked for is some ninety lines, in which nobody finds the one that
matters; they are in the log and shown with --verbose.
"""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

from cnbkit_engine.build.conventions import seen
from cnbkit_engine.builder.settings import FILE
from cnbkit_engine.lifecycle.failure import BuildFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from cnbkit_engine.build.conventions import Seen
    from cnbkit_engine.lifecycle.detection import Detection

__all__ = ["judged", "next_step"]

NOTHING_FITS = 20
"""The lifecycle's exit code."""

_SHOWN = 6
# What people call the script that they start, the likeliest first.
_STARTED = ("server.py", "run.py", "start.py", "bot.py")
_SERVES = re.compile(r"(?:^|_)(?:app|api|main|serve|server|web)(?:_|\.)")
# Python files that nobody starts, and folders that hold no app.
_NOT_STARTED = ("setup.py", "conftest.py", "__init__.py", "noxfile.py", "tasks.py", "fabfile.py")
_NO_APPS = {
    *("tests", "test", "docs", "doc", "node_modules", "binder"),
    *("requirements", "reqs", "conda", "envs", "env"),
}
# Of several files with requirements, the one that an image is made of.
_INPUTS = ("prod", "production", "main", "base", "requirements")
_NOT_INPUTS = ("dev", "test", "tests", "docs", "lint", "constraints")
_SETTING = "BP_PYTHON_INPUT"
_FOLDER = "BP_PYTHON_FOLDER"
_REQUIREMENTS = re.compile(
    r"(?:requirements|reqs)[/._-]([\w.-]+)\.(?:txt|in)|([\w.]+)[_-]requirements\.(?:txt|in)"
)


def judged(
    failed: BuildFailed, detection: Detection, app: Path, paths: Iterable[str], builder: Path
) -> BuildFailed:
    """The failure of a build in words that say what to do; as it is if another phase failed.

    Args:
        failed: as the lifecycle ended.
        detection: what its detector has printed.
        app: the app's folder.
        paths: its files, relative to it.
        builder: the folder with assembled buildpacks.
    """
    if failed.exit_code != NOTHING_FITS:
        return failed
    faults = detection.plan_faults
    if faults:
        return BuildFailed(
            failed.exit_code,
            failed.log,
            what=f"the buildpacks do not fit together: {faults[0]}",
            remedy=(
                f"let a buildpack that provides {faults[0].name} stand before it in that group "
                "of the builder"
                if faults[0].required
                else f"make {faults[0].buildpack} optional in that group of the builder"
            ),
            detail="\n".join(map(str, faults[1:_SHOWN])),
        )
    settings = (builder / FILE).read_text(encoding="ascii").split()
    step, findings = next_step(paths, [*detection.looked_for, *settings], app)
    return BuildFailed(
        failed.exit_code,
        failed.log,
        what=f"no buildpack recognises this app: {app}",
        remedy=step,
        detail="\n".join([*findings, "--verbose shows what each buildpack looked for"]),
    )


def next_step(paths: Iterable[str], looked_for: Iterable[str], app: Path) -> tuple[str, list[str]]:
    """The one next step, and a line for each thing that looks like something.

    Args:
        paths: the app's files, relative to its root.
        looked_for: names of files that make a buildpack join, and of variables that are read.
        app: its folder, as the person named it.
    """
    known = sorted(set(paths))
    names = set(looked_for)
    inputs = _inputs(known) if _SETTING in names else []
    below = _projects_below(known, names)
    findings = [f"{_some(inputs)}: nothing says which of them counts"] if inputs[1:] else []
    for folder, found in below.items():
        whole = f"; with files beside it: --env {_FOLDER}={shlex.quote(folder)}"
        holds = f"{folder}/ holds {_some(found)}"
        findings.append(f"{holds}{whole}" if _FOLDER in names else holds)
    conventions = seen(known)
    scripts = _scripts(known)
    if scripts:
        findings.append(f"{_some(scripts)}: nothing says that it is what starts")
    findings += [f"{each.title}: {each.step}" for each in conventions]
    if inputs:
        step = f"cnbkit build {_shown(app)} --env {_SETTING}={shlex.quote(inputs[0])}"
    elif below:
        step = f"cnbkit build {_shown(app / next(iter(below)))}"
    elif "manage.py" in scripts:
        step = "manage.py: write django, gunicorn and what else it needs into requirements.txt"
    elif scripts:
        line = shlex.quote(f"web: python3 {shlex.quote(scripts[0])}")
        step = f"say what starts: echo {line} >Procfile"
    elif conventions:
        first = _most_telling(conventions, known)
        findings.remove(f"{first.title}: {first.step}")
        step = f"{first.path}: {first.step}"
    elif known:
        step = "add requirements.txt, environment.yml or a Procfile, or name the app's folder"
    else:
        step = "name another folder: there is no file in this one"
    rest = len(findings) - _SHOWN
    return step, [*findings[:_SHOWN], *([f"and {rest} more"] if rest > 0 else [])]


def _most_telling(conventions: list[Seen], paths: list[str]) -> Seen:
    """The first; where nothing is Python, that it is a project of another language."""
    others = [each for each in conventions if each.convention.what.startswith("a project of ")]
    python = any(path.endswith((".py", ".ipynb")) for path in paths)
    return others[0] if others and not python else conventions[0]


def _inputs(paths: list[str]) -> list[str]:
    """Requirements by other names than pip's buildpack looks for, the likeliest first."""
    found = {}
    for path in paths:
        fits = _REQUIREMENTS.fullmatch(path)
        kind = (fits[1] or fits[2]) if fits else ""
        if kind and kind not in _NOT_INPUTS:
            found[path] = _INPUTS.index(kind) if kind in _INPUTS else len(_INPUTS)
    # What was compiled of a .in file stands before it.
    return sorted(found, key=lambda path: (found[path], path.endswith(".in"), path))


def _shown(folder: Path) -> str:
    """A folder as one would type it here."""
    here = os.path.relpath(folder)
    short = here if here == "." else f"./{here}"
    return shlex.quote(str(folder) if here.startswith("..") else short)


def _projects_below(paths: list[str], names: set[str]) -> Mapping[str, list[str]]:
    """Folders that would be apps if they were named, the nearest and fullest first."""
    found: dict[str, list[str]] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        parts = folder.split("/")
        if folder and name in names and not any(_holds_no_app(part) for part in parts):
            found.setdefault(folder, []).append(name)
    order = sorted(found, key=lambda folder: (folder.count("/"), -len(found[folder]), folder))
    return {folder: found[folder] for folder in order}


def _holds_no_app(folder: str) -> bool:
    return folder in _NO_APPS or folder.startswith(".")


def _scripts(paths: list[str]) -> list[str]:
    """Python files in the root, the one that is likeliest started first."""
    found = [path for path in paths if path.endswith(".py") and "/" not in path]
    found = [path for path in found if path not in _NOT_STARTED and not path.startswith("test_")]
    likely = [name for name in _STARTED if name in found]
    likely += [name for name in found if _SERVES.search(name) and name not in likely]
    return [*likely, *(path for path in found if path not in likely)]


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if names[3:] else ""
    return ", ".join(names[:3]) + more

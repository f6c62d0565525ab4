"""Modules of the app that are imported for sure, and lie where Python does not look by itself."""

from __future__ import annotations

from cnbkit.app import App
from cnbkit_start.check.imports import changes_places
from cnbkit_start.check.own_names import is_there
from cnbkit_start.check.problem import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnbkit_start.check.imports import Installed, Running

__all__ = ["misplaced_module"]

_FOLDER = "src"


def misplaced_module(
    files: Sequence[Running], places: Sequence[str], app: App, installed: Installed
) -> Problem | None:
    """The first module of a src layout whose project is not among the packages.

    PYTHONPATH, set when the image is run, would make it good.

    Args:
        files: what runs.
        places: folders of the app where Python looks for modules.
        app: its files.
        installed: what there is besides.
    """
    if any(changes_places(each.data) for each in files):
        return None
    for each in files:
        for found, _ in each.imports:
            top = found.module.partition(".")[0]
            if found.level or not top or not is_there(app, f"{_FOLDER}/{top}"):
                continue
            if any(is_there(app, f"{place}/{top}".lstrip("/")) for place in places):
                continue
            if installed.has_module(top) is not False:
                continue
            project = any(app.has(name) for name in ("pyproject.toml", "setup.py", "setup.cfg"))
            add = "add a line `.` to requirements.txt, which installs the project, or " * project
            return Problem(
                f"{each.path}:{found.line} imports {top}, which lies in {_FOLDER}/, where Python "
                "does not look",
                f"{add}set PYTHONPATH to /workspace/{_FOLDER}: BPE_PYTHONPATH in project.toml",
                certain=False,
            )
    return None

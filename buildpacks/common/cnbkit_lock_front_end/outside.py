"""Folders that a lock names and that are not part of the build, which has the app alone."""

from __future__ import annotations

import os

from cnbkit import UserFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit.app import App

__all__ = ["outside"]


def outside(app: App, path: str, *files: str) -> UserFault | None:
    """What to build in place of an app whose project needs a folder beside it.

    Args:
        app: the app.
        path: of the package, as the lock has it or absolute.
        files: that may name it: the project, then its lock.

    Returns:
        The fault; None if the package lies within what is built, or no file says that it lies
        beside the app: a path of another machine has no folder to build instead.
    """
    found = os.path.normpath(os.path.join(app.root, path))
    if os.path.relpath(found, app.top).partition("/")[0] != "..":
        return None
    shown = os.path.relpath(found, app.root)
    where = next((place for name in files if (place := _line_with(app, name, shown))), "")
    if not where:
        return None
    return UserFault(
        f"{shown} is outside the app, and not in the build",
        where=where,
        remedy="build the folder that holds both, with BP_PYTHON_FOLDER=<this folder's name>; or "
        "put a wheel of it into the app",
    )


def _line_with(app: App, name: str, shown: str) -> str:
    lines = app.text(name).splitlines() if app.has(name) else []
    numbers = (number for number, line in enumerate(lines, 1) if shown in line)
    return f"{name}:{number}" if (number := next(numbers, 0)) else ""

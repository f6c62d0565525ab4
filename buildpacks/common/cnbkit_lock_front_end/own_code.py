"""Whether a project of Poetry's has code of its own to install, told without Poetry."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cnbkit.app import App

__all__ = ["absent", "missing_code", "written_name"]


def missing_code(app: App, document: dict[str, Any]) -> str:
    """The folder that a project would be installed from, if it is not there; else empty.

    As poetry-core looks for it: by the project's name, in the root or in `src`, unless the project
    says itself what belongs to it.

    Args:
        app: the app.
        document: its pyproject.toml.
    """
    project, poetry = _table(document, "project"), _table(_table(document, "tool"), "poetry")
    if poetry.get("packages"):
        return ""
    return absent(app, str(project.get("name") or poetry.get("name") or ""))


def absent(app: App, name: str) -> str:
    """The module of a project by its name, if there is none."""
    parts = name.lower().replace(".", "-").replace("_", "-").split("-")
    module = "_".join(part for part in parts if part)
    places = [f"{base}{module}{end}" for base in ("", "src/") for end in ("", ".py")]
    there = not module or any(os.path.exists(f"{app.root}/{place}") for place in places)
    return "" if there else module


def written_name(text: str) -> str:
    """A project's name, read as text: a build in which nothing changes parses no TOML."""
    table = ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("["):
            table = line.partition("]")[0].strip("[ ")
        name, sign, value = line.partition("=")
        if sign and name.strip() == "name" and table in ("project", "tool.poetry"):
            return value.partition("#")[0].strip().strip("\"'")
    return ""


def _table(document: dict[str, Any], name: str) -> dict[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}

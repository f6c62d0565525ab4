"""Files that a project cannot be installed without, because its pyproject.toml names them."""

from __future__ import annotations

import posixpath
import tomllib
from typing import Any

__all__ = ["PYPROJECT", "named_files"]

PYPROJECT = "pyproject.toml"


def named_files(text: str) -> set[str]:
    """The readme and the licence of a project, relative to its folder.

    Build backends read them for the package's metadata (PEP 621), and fail without.

    Args:
        text: of pyproject.toml; of one that is none there are no files.
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return set()
    project = _table(document, "project")
    poetry = _table(_table(document, "tool"), "poetry")
    found = [
        *_paths(project.get("readme")),
        *_paths(poetry.get("readme")),
        # As a text it is the licence's name.
        *_paths(_table(project, "license")),
    ]
    return {posixpath.normpath(each) for each in found}


def _table(document: dict[str, Any], name: str) -> dict[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _paths(value: object) -> list[str]:
    """A path, a list of them, or a table with `file`."""
    if isinstance(value, dict):
        value = value.get("file")
    listed = value if isinstance(value, list) else [value]
    return [each for each in listed if isinstance(each, str) and each]

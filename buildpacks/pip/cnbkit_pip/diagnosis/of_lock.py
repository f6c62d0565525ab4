"""Packages of a lock: where they stand, and how they are changed, which nobody does by hand."""

from __future__ import annotations

import re

__all__ = ["other_release", "place", "replaced"]

# What a lock is made of, and the command that takes another release of one package into it.
_MADE = {
    "uv.lock": ("pyproject.toml", "uv lock --upgrade-package"),
    "poetry.lock": ("pyproject.toml", "poetry update"),
    "pdm.lock": ("pyproject.toml", "pdm update"),
    "Pipfile.lock": ("Pipfile", "pipenv upgrade"),
}


def place(root: str, lock: str, name: str) -> str:
    """`file:line` that asks for a package: where a person wrote it, else in the lock.

    Args:
        root: the app's directory.
        lock: the file, relative to it.
        name: of the package, normalised.
    """
    folder, slash, base = lock.rpartition("/")
    written = re.escape(name).replace(r"\-", "[-_.]+")
    places = []
    if base in _MADE:
        # `"name>=1"` of a list, `name = "1"` of a table.
        declared = rf"""^[ \t]*(?:.*["'])?{written}(?:["']?\s*=[\s\{{]|["'\s<>=!~;\[,@])"""
        places.append((f"{folder}{slash}{_MADE[base][0]}", declared))
    places.append((lock, rf"""^[ \t]*(?:name = "{written}"|"{written}": \{{)"""))
    for file, pattern in places:
        try:
            with open(f"{root}/{file}", encoding="utf-8") as opened:
                lines = opened.read().splitlines()
        except (OSError, ValueError):
            continue
        for number, line in enumerate(lines, 1):
            if re.match(pattern, line, re.IGNORECASE):
                return f"{file}:{number}"
    return f"{lock} ({name})"


def other_release(lock: str, name: str) -> str:
    """What one does to have a newer release of a package."""
    made = _MADE.get(lock.rpartition("/")[2])
    return (
        f"run `{made[1]} {name}` and commit {lock}" if made else f"lock a newer release of {name}"
    )


def replaced(change: str, lock: str) -> str:
    """A change of requirements, where there is a lock between: `write NAME`."""
    if not change.startswith("write ") or "into ." in change:
        return change
    made = _MADE.get(lock.rpartition("/")[2])
    return f"{change} in {made[0] if made else 'what it is locked from'}, and lock it again"

"""Files of the app that a process starts: whether they are there, and the kernel can start them."""

from __future__ import annotations

import os

from cnbkit.app import App
from cnbkit_start.check.problem import Problem
from cnbkit_start.check.remedies import interpreter_of, remedy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_start.check.image import Image

__all__ = ["absent", "unstartable"]

_FIRST = 256


def unstartable(path: str, app: App, image: Image | None, *, direct: bool) -> Problem | None:
    """Why a file cannot be started, if it cannot.

    Args:
        path: relative to the app's root.
        app: its files.
        image: programs besides; None before anything is installed.
        direct: whether it is started without a shell, which would take it for its own script.
    """
    full = f"{app.root}/{path}"
    if not os.stat(full).st_mode & 0o111:
        return Problem(
            f"{path} is not executable",
            f"run `chmod +x {path}` (in git `git update-index --chmod=+x {path}`), or start "
            f"it by its interpreter: `{interpreter_of(path)} {path}`",
        )
    with open(full, "rb") as file:
        first, newline, _ = file.read(_FIRST).partition(b"\n")
    if first.startswith(b"\x7fELF"):
        return None
    if not first.startswith(b"#!"):
        if not direct or b"\0" in first:
            return None
        return Problem(
            f"{path} has no first line that says what runs it",
            f"begin it with `#!/bin/sh`, or start it as `sh {path}`",
        )
    if newline and first.endswith(b"\r"):
        return Problem(
            f"{path} has lines that end as on Windows, so that Linux does not find the "
            "program of its first line",
            f"save it with Unix line ends (`sed -i 's/\\r$//' {path}`; in git "
            f"`{path} text eol=lf` in .gitattributes)",
        )
    return _first_line(path, first[2:].decode(errors="replace").split(), image)


def _first_line(path: str, words: list[str], image: Image | None) -> Problem | None:
    if not words or image is None:
        return None
    interpreter = words[0]
    if interpreter.rpartition("/")[2] == "env":
        names = [each for each in words[1:] if each[0] != "-" and "=" not in each]
        if names and image.has_program(names[0]) is False:
            return Problem(
                f"{path} is to be run by {names[0]}, which the image has not",
                remedy(names[0]),
            )
    elif interpreter.startswith("/") and image.has_file(interpreter) is False:
        return Problem(
            f"{path} is to be run by {interpreter}, which the image has not",
            f"write a first line with a program that is there, like `#!/usr/bin/env "
            f"{interpreter_of(path)}`",
        )
    return None


def absent(path: str, app: App) -> Problem | None:
    """That a file is not there, unless a folder is in its place."""
    if os.path.isdir(f"{app.root}/{path}"):
        return None
    name = path.rpartition("/")[2]
    same = [each for each in _found(app.root, name) if each != path]
    hint = f"write {same[0]}, which is there" if same else "add it, or correct its name"
    return Problem(f"there is no file {path} in the app", hint)


def _found(root: str, name: str) -> list[str]:
    """Files of that name in the root and two levels below, sorted."""
    found = []
    folders = [""]
    for _ in range(3):
        below = []
        for folder in folders:
            try:
                with os.scandir(f"{root}/{folder}") as entries:
                    for entry in entries:
                        if entry.name == name and entry.is_file():
                            found.append(f"{folder}{name}")
                        elif entry.is_dir(follow_symlinks=False) and entry.name[0] != ".":
                            below.append(f"{folder}{entry.name}/")
            except OSError:
                continue
        folders = below[:200]
    return sorted(found)

"""The requirements file of a group, beside the one with the main requirements."""

from __future__ import annotations

import os

from cnbkit import BuildContext
from cnbkit_python_inputs.line import normalised

__all__ = ["USUAL", "group_file"]

USUAL = "requirements-{}.txt"
"""Where most people put them."""

_FILES = (
    USUAL,
    "requirements.{}.txt",
    "requirements_{}.txt",
    "{}-requirements.txt",
    "requirements/{}.txt",
    "requirements-{}.in",
    "requirements/{}.in",
)


def group_file(ctx: BuildContext, group: str) -> str:
    """The file of a group, however either spells its name (PEP 735); empty if there is none."""
    wanted = [pattern.format(group) for pattern in _FILES]
    for name in wanted:
        if ctx.app.has(name):
            return name
    there: dict[str, str] = {}
    for folder in ("", "requirements/"):
        path = f"{ctx.app.root}/{folder}"
        for name in sorted(os.listdir(path)) if os.path.isdir(path) else []:
            if name.endswith((".txt", ".in")) and os.path.isfile(path + name):
                there.setdefault(normalised(folder + name), folder + name)
    found = (there[normalised(name)] for name in wanted if normalised(name) in there)
    return next(found, "")

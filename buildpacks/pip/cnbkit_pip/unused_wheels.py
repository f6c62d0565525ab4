"""A folder of wheels that nothing names: most likely it is meant to be installed from."""

from __future__ import annotations

import os

from cnbkit import BuildContext
from cnbkit_python_inputs.requirements import Requirements
from cnbkit_python_inputs.wanted import Locked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_indexes.sources import Sources
    from cnbkit_python_inputs.project import Project

__all__ = ["unused_wheels"]

_FOLDERS = ("vendor", "wheels", "wheelhouse")


def unused_wheels(
    ctx: BuildContext, wanted: Requirements | Project | Locked, sources: Sources
) -> str:
    """A line for the log; empty if there is no such folder, or something names it."""
    if isinstance(wanted, Locked) or sources.values("find-links"):
        return ""
    for folder in _FOLDERS:
        path = f"{ctx.app.root}/{folder}"
        names = os.listdir(path) if os.path.isdir(path) else []
        count = sum(name.endswith(".whl") for name in names)
        if count and not any(folder in text for text in wanted.files.values()):
            option = (
                f"`--find-links {folder}` in {wanted.roots[0]}, or "
                if isinstance(wanted, Requirements)
                else ""
            )
            return (
                f"{folder} has {count} wheel{'s' if count > 1 else ''} that nothing names: "
                f"{option}BP_PIP_FIND_LINKS={folder} has them looked at"
            )
    return ""

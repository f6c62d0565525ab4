"""What is imported the moment a process starts, and is not there, in words."""

from __future__ import annotations

from cnbkit.app import App
from cnbkit_start.check.imports import missing_imports
from cnbkit_start.check.own_names import absent_name
from cnbkit_start.check.problem import Problem
from cnbkit_start.check.standard import loss
from cnbkit_start.requirements import file_with

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnbkit_start.check.image import Image
    from cnbkit_start.check.imports import Missing, Running
    from cnbkit_start.check.locked import Locked

__all__ = ["of_its_own", "of_packages"]


def of_its_own(files: Sequence[Running], places: Sequence[str], app: App) -> Problem | None:
    """A name or module of the app itself.

    Args:
        files: what runs.
        places: folders of the app where Python looks for modules.
        app: its files.
    """
    found = absent_name(files, places, app)
    if found is None:
        return None
    return Problem(f"{found.line} imports {found.what}, and {found.why}", found.remedy)


def of_packages(
    files: Sequence[Running], app: App, locked: Locked | None, image: Image | None
) -> Problem | None:
    """A module of a package.

    Args:
        files: what runs.
        app: its files.
        locked: the packages that will be installed, if a lock tells.
        image: what is installed; None before that.
    """
    if locked is not None:
        return _not_locked([*missing_imports(files, app, locked)], app, locked)
    missing = next(missing_imports(files, app, image), None) if image else None
    if image is None or missing is None:
        return None
    why = "which no package has"
    other = file_with(app, missing.distribution)
    remedy = (
        f"set BP_PYTHON_INPUT to {other}, which has {missing.distribution}"
        if other
        else _of_script(missing, app) or f"add `{missing.distribution}` to the dependencies"
    )
    if part := _part_of(missing, app):
        remedy = (
            f"build the folder that holds {missing.name}/, with --env "
            f"BP_PYTHON_INPUT={part}/requirements.txt: this one is a part of it"
        )
    if image.lost(missing.name):
        why, remedy = loss(missing.name, own=True)
    return Problem(f"{missing.file}:{missing.line} imports {missing.name}, {why}", remedy)


def _not_locked(missing: Sequence[Missing], app: App, locked: Locked) -> Problem | None:
    """All of them at once: who is told of one adds it, and is told of the next."""
    if not missing:
        return None
    first, *others = missing
    packages = list(dict.fromkeys(locked.lacks_module(each.name) for each in missing))
    what = (
        f"{first.file}:{first.line} imports {first.name}, and {packages[0]} is not among "
        f"{locked.packages.of_file}"
    )
    if others:
        also = ", ".join(f"{each.name} ({each.file}:{each.line})" for each in others)
        what += f"; the same of {also}"
    script = "" if locked.packages.file else _of_script(first, app)
    return Problem(what, script or locked.packages.to_add(*packages))


def _of_script(missing: Missing, app: App) -> str:
    """What to do about a script that lists its packages itself."""
    from cnbkit_start.inline import listed_inline  # few scripts do

    lines = ", ".join(f"`{each}`" for each in listed_inline(app, missing.file))
    what = f"what {missing.file} lists at its top (PEP 723) is not read"
    return f"{what}: write it into requirements.txt, {lines}" if lines else ""


def _part_of(missing: Missing, app: App) -> str:
    """Where the app lies in a larger one: `src/shop`, if `src.shop.views` is its views.py."""
    steps = missing.module.split(".")
    for at in range(len(steps) - 1, 0, -1):
        if any(app.has(f"{steps[at]}{end}") for end in (".py", "/__init__.py")):
            return "/".join(steps[:at])
    return ""

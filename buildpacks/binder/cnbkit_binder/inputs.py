"""What the other buildpacks are told, each by its own variable."""

from __future__ import annotations

import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import BuildContext
    from cnbkit_binder.places import Places

__all__ = ["variables"]

# repo2docker installs these into every image.
_JUPYTER = ("jupyterlab", "notebook", "jupyterhub")
_MADE = ".cnbkit/binder"


def variables(ctx: BuildContext, places: Places) -> dict[str, tuple[str, str]]:
    """Name → value and what it is for, for people. Files that it names are made.

    Args:
        ctx: the build.
        places: where the repository has what.
    """
    found = {}
    if places.environment:
        name = _environment(ctx, places.environment)
        found["BP_CONDA_INPUT"] = name, f"Packages from {places.environment}, and Jupyter"
    else:
        names, why = _requirements(ctx, places)
        found["BP_PYTHON_INPUT"] = names, f"Packages from {why}Jupyter"
    if places.packages:
        found["BP_APT_INPUT"] = places.packages, f"Debian packages from {places.packages}"
    if places.post_build:
        found["BP_POST_BUILD"] = places.post_build, f"{places.post_build} runs after them"
    version = _version(ctx, places.runtime)
    if version:
        found["BP_PYTHON_VERSION"] = version, f"Python {version} from {places.runtime}"
    return found


def _requirements(ctx: BuildContext, places: Places) -> tuple[str, str]:
    made = f"{_MADE}/requirements.txt"
    lines = list(_JUPYTER)
    own = ""
    if places.requirements:
        own = places.requirements
    elif places.project:
        # From the app's root, as pip takes it.
        lines.append("-e .")
    _write(ctx, made, "".join(f"{line}\n" for line in lines))
    if own:
        return f"{own},{made}", f"{own}, and "
    return made, f"{places.project}, and " if places.project else ""


def _environment(ctx: BuildContext, name: str) -> str:
    """A copy of the file with Jupyter; the file itself if it has it, or is not written so."""
    text = ctx.app.text(name)
    if re.search(r"^[ \t]*-[ \t]*(?:jupyterlab|notebook)\b", text, re.MULTILINE):
        return name
    lines = text.splitlines(keepends=True)
    place, indent = _first_dependency(lines)
    if not place:
        return name
    made = f"{_MADE}/environment.yml"
    lines[place:place] = [f"{indent}- {each}\n" for each in _JUPYTER]
    _write(ctx, made, "".join(lines))
    return made


def _first_dependency(lines: list[str]) -> tuple[int, str]:
    """Index of the line with the first dependency, and what stands before its dash; 0 if none."""
    inside = False
    for number, line in enumerate(lines):
        content = line.partition("#")[0].strip()
        if inside and content:
            dash = line.partition("-")[0]
            return (number, dash) if content.startswith("-") else (0, "")
        inside = inside or (content == "dependencies:" and line.startswith("dependencies:"))
    return 0, ""


def _version(ctx: BuildContext, name: str) -> str:
    match = re.match(r"python-(\d[\d.]*)\s*$", ctx.app.text(name)) if name else None
    return match[1] if match else ""


def _write(ctx: BuildContext, name: str, text: str) -> None:
    path = f"{ctx.app.root}/{name}"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)

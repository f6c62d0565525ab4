"""Packages that are folders of the app: the project itself, its editable parts."""

from __future__ import annotations

import os
import shutil

from cnbkit import BuildContext
from cnbkit_pip.engines.engine import Engine
from cnbkit_pip.layers.poetry_backend import poetrys_backend
from cnbkit_python_inputs.package import Package
from cnbkit_python_inputs.tree import compiles

__all__ = ["install_folders"]

_NOT_SEARCHED = (".git", ".hg", ".venv", "node_modules", "__pycache__")


def install_folders(
    ctx: BuildContext, engine: Engine, packages: list[Package], prefix: str
) -> None:
    """Install each into the layer.

    An editable one keeps its code where it is, so that a change of code changes no layer; with
    code to compile that cannot be. What building leaves in its folder goes away again: a build
    that re-uses this layer would not have it.

    Raises:
        UserFault: a package cannot be built.
        PlatformFault: the index cannot be reached, or the disk is full.
    """
    for package in packages:
        editable = package.editable and not compiles(package.directory)
        if package.editable and not editable:
            ctx.log.info(f"{package.name} has code to compile: installed as a copy, not editable")
        before = _entries(package.directory)
        with poetrys_backend(package.directory, app=package.directory == ctx.app.root):
            engine.install_folder(package.directory, prefix, editable=editable)
        for name in sorted(_entries(package.directory) - before, reverse=True):
            _remove(f"{package.directory}/{name}")


def _entries(directory: str) -> set[str]:
    found = set()
    for folder, folders, files in os.walk(directory):
        folders[:] = [name for name in folders if name not in _NOT_SEARCHED]
        relative = os.path.relpath(folder, directory)
        found |= {os.path.normpath(f"{relative}/{name}") for name in [*folders, *files]}
    return found


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)

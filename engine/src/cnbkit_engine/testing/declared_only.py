"""A pytest plugin that hides what no build of a buildpack has from the buildpack's code.

`cnbkit test` loads it. Tests themselves, and what they use, import whatever is installed here;
the code under test finds the standard library, cnbkit with what that brings, its own modules and
libraries, and what its lock names. So `try: import yaml` takes the way that it takes in a build.
"""

from __future__ import annotations

import builtins
import importlib
import os
import sys
from importlib.machinery import PathFinder
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING, Any

import pytest

import cnbkit
from cnbkit_engine.lint.imports import normal_name, runtime_packages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

__all__ = ["DeclaredOnly", "pytest_addoption", "pytest_configure", "pytest_unconfigure"]

_KEY = pytest.StashKey["DeclaredOnly"]()


class DeclaredOnly:
    """Stands before `import` for modules below some folders.

    Args:
        folders: the buildpack's, of its libraries, and of what its lock brings.
    """

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = [os.path.realpath(folder) for folder in folders]
        # cnbkit itself finds what it needs for some features (YAML, bills of materials) in the
        # buildpack's lock, or does without.
        self._cnbkit = os.path.dirname(os.path.realpath(cnbkit.__file__))
        self._known: dict[str, bool] = {}
        runtime = runtime_packages()
        self._runtime = {
            name
            for name, by in packages_distributions().items()
            if {normal_name(each) for each in by} & runtime
        }
        self._import = builtins.__import__
        self._import_module = importlib.import_module

    def install(self) -> None:
        """Begin."""
        builtins.__import__ = self._checked
        importlib.import_module = self._checked_module

    def remove(self) -> None:
        """End."""
        builtins.__import__ = self._import
        importlib.import_module = self._import_module

    def _checked(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        if level == 0:
            # Called by hand, it is given no globals.
            importer = sys._getframe(1).f_globals if globals is None else globals
            self._check(name, importer.get("__file__"))
        return self._import(name, globals, locals, fromlist or (), level)

    def _checked_module(self, name: str, package: str | None = None) -> ModuleType:
        if not name.startswith("."):
            self._check(name, sys._getframe(1).f_globals.get("__file__"))
        return self._import_module(name, package)

    def _check(self, name: str, importer: object) -> None:
        if not isinstance(importer, str) or not self._is_declared_code(importer):
            return
        top = name.partition(".")[0]
        if top not in self._known:
            self._known[top] = self._has(top)
        if not self._known[top]:
            raise ModuleNotFoundError(
                f"No module named {top!r} in a build (here it is installed, and hidden by `cnbkit "
                "test`): name its package in requirements.in and lock it",
                name=top,
            )

    def _is_declared_code(self, file: str) -> bool:
        path = os.path.realpath(file)
        if path.startswith(f"{self._cnbkit}/"):
            return not path.startswith(f"{self._cnbkit}/testing/")
        for folder in self._folders:
            if path.startswith(f"{folder}/"):
                *above, name = path.removeprefix(f"{folder}/").split("/")
                return not (
                    "tests" in above
                    or name == "conftest.py"
                    or name.startswith("test_")
                    or name.endswith("_test.py")
                )
        return False

    def _has(self, name: str) -> bool:
        # pytest writes imports of itself into modules of plugins, of which cnbkit is one.
        if name in ("cnbkit", "_pytest") or name in sys.stdlib_module_names:
            return True
        if name in self._runtime:
            return True
        # What is installed nowhere is left to Python to tell.
        return PathFinder.find_spec(name, self._folders) is not None or not _installed(name)


def _installed(name: str) -> bool:
    try:
        return name in sys.modules or PathFinder.find_spec(name) is not None
    except ValueError:
        return True


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the folders from the command line."""
    text = "folders (with : between) whose code imports what a build has, and nothing else"
    parser.addoption("--cnbkit-declared", default="", metavar="FOLDERS", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Begin with the session, before its tests are collected."""
    folders = config.getoption("--cnbkit-declared")
    if folders:
        active = DeclaredOnly(folders.split(os.pathsep))
        config.stash[_KEY] = active
        active.install()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End with the session."""
    active = config.stash.get(_KEY, None)
    if active:
        active.remove()

"""The modules of one buildpack's folder, apart from equally named ones of another."""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

__all__ = ["Imports"]


class Imports:
    """Lets the code of one buildpack be imported while it runs, and only then.

    Modules stay in `sys.modules` as any other's, so a test can import and patch them. Only
    where another folder's module of the same name is there, theirs is put aside for as long as
    this buildpack runs, and put back after.

    Args:
        places: folder → names of what may be imported from there; all of it if there are none.
    """

    def __init__(self, places: Sequence[tuple[str, Sequence[str]]]) -> None:
        self._paths = list(dict.fromkeys(folder for folder, _ in places))
        self._names: dict[str, str] = {}
        for folder, names in places:
            for name in names or _modules(folder):
                # A test's own folder may lack what is declared: then Python's path has it.
                if any(os.path.exists(f"{folder}/{name}{end}") for end in ("", ".py")):
                    self._names.setdefault(name, folder)
        self._own: dict[str, ModuleType] = {}

    @contextmanager
    def active(self) -> Iterator[None]:
        """For the length of a `with` block this buildpack's modules are the ones that are found."""
        foreign = {
            name
            for name, folder in self._names.items()
            if name in sys.modules and not _is_at(sys.modules[name], f"{folder}/{name}")
        }
        aside = _take(foreign | {name.partition(".")[0] for name in self._own})
        sys.modules.update(self._own)
        sys.path[:0] = self._paths
        importlib.invalidate_caches()
        try:
            yield
        finally:
            for path in self._paths:
                if path in sys.path:
                    sys.path.remove(path)
            if aside:
                self._own = _take({name.partition(".")[0] for name in aside})
                sys.modules.update(aside)
                importlib.invalidate_caches()


def _take(tops: set[str]) -> dict[str, ModuleType]:
    """Take modules and all below them out of `sys.modules`."""
    names = [name for name in sys.modules if name.partition(".")[0] in tops]
    return {name: sys.modules.pop(name) for name in names}


def _is_at(module: ModuleType, path: str) -> bool:
    """Whether a module is the one that an import would find there, also by a link."""
    places = [*getattr(module, "__path__", ())] or [getattr(module, "__file__", None) or ""]
    expected = {os.path.realpath(path), os.path.realpath(f"{path}.py")}
    return any(os.path.realpath(place) in expected for place in places)


def _modules(folder: str) -> list[str]:
    """Names of the modules and packages in a folder; not of its tests."""
    found = []
    for entry in os.scandir(folder):
        if entry.name.endswith(".py") and entry.is_file():
            found.append(entry.name.removesuffix(".py"))
        elif entry.name.isidentifier() and entry.name != "tests" and _holds_code(entry):
            found.append(entry.name)
    return [
        name
        for name in found
        if name != "conftest"
        and not name.startswith("test_")
        # What Python and cnbkit have already imported is what a build would find, too.
        and name not in sys.stdlib_module_names
        and name != "cnbkit"
    ]


def _holds_code(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir() and any(name.endswith(".py") for name in os.listdir(entry.path))

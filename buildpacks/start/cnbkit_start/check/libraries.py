"""What a process loads the moment it starts, and the loader refuses: a shared library is missing.

`elf-check` tells which files these are; which of them a process certainly loads is found here.
"""

from __future__ import annotations

import json
import os

from cnbkit.app import App
from cnbkit_start.check.walk import walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Libraries", "Unloadable", "refused"]

# What packages import of each other can be all of pandas: enough to come to what they are linked
# with, which is imported early.
_MOST = 8_000_000
_PROGRAMS = ("/bin/", "/sbin/", "/games/")


class Unloadable:
    """A file that cannot be loaded.

    Attributes:
        name: the package, or the file.
        needs: the libraries.
        remedy: what to do.
        line: where the app asks for it, `main.py:3`; empty of a program.
    """

    __slots__ = ("line", "name", "needs", "remedy")

    def __init__(self, name: str, needs: str, remedy: str, line: str = "") -> None:
        self.name = name
        self.needs = needs
        self.remedy = remedy
        self.line = line


class Libraries:
    """All files that cannot be loaded.

    Args:
        path: of the list that `elf-check` wrote; empty if nothing is missing.
        sites: folders where packages lie, of layers that are here.
        leads: modules of other layers whose import comes to one that cannot be loaded, and it.
    """

    def __init__(self, path: str, sites: Sequence[str], leads: Mapping[str, str]) -> None:
        self._sites = sites
        self._leads = leads
        entries = _read(path)
        self._modules = {each["module"]: each for each in entries if each["module"]}
        self._programs = {
            os.path.basename(each["path"]): each
            for each in entries
            if any(folder in each["path"] for folder in _PROGRAMS)
        }

    def program(self, name: str) -> Unloadable | None:
        """Whether a program on PATH cannot be loaded."""
        found = self._programs.get(name)
        return _unloadable(found, found["owner"] or name) if found else None

    def imported(
        self, files: Sequence[str], places: Sequence[str], app: App, *, main: bool
    ) -> Unloadable | None:
        """The first module that certainly is imported and cannot be loaded.

        Args:
            files: what starts, relative to the app's root.
            main: whether they are started, and not imported.
            places: folders of the app where Python looks for modules.
            app: its files.
        """
        if not self._modules:
            return None
        for each in walk(files, places, self._sites, app, main=main, most=_MOST):
            for name, file in each.steps:
                # Where a file is not here, its layer is reused.
                refused = name if file else self._leads.get(name, name)
                if refused in self._modules and not file.startswith(f"{app.root}/"):
                    entry = self._modules[refused]
                    return _unloadable(entry, entry["owner"] or name, each.at)
        return None


def refused(path: str) -> list[str]:
    """Modules that cannot be loaded.

    Args:
        path: of the list that `elf-check` wrote.
    """
    return [each["module"] for each in _read(path) if each["module"]]


def _read(path: str) -> list[dict[str, str]]:
    if not path:
        return []
    with open(path, encoding="utf-8") as file:
        entries: list[dict[str, str]] = json.load(file)
    return entries


def _unloadable(entry: dict[str, str], name: str, line: str = "") -> Unloadable:
    return Unloadable(name, entry["needs"], entry["remedy"], line)

"""What a process loads the moment it starts, and the loader refuses: a shared library is missing.

`elf-check` tells which files these are; which of them a process certainly loads is found here.
"""

from __future__ import annotations

import json
import os

from cnbkit.app import App
from cnbkit_start.code import Code, Import

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Libraries", "Unloadable"]

# What packages import of each other can be all of pandas: enough to come to what they are linked
# with, which is imported early.
_MAX_FILES = 600
_MAX_BYTES = 8_000_000
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
    """

    def __init__(self, path: str, sites: Sequence[str]) -> None:
        self._sites = sites
        entries: list[dict[str, str]] = []
        if path:
            with open(path, encoding="utf-8") as file:
                entries = json.load(file)
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
        roots = [*(f"{app.root}/{place}".rstrip("/") for place in places), *self._sites]
        # Path, and the line of the app that led there.
        todo = [(f"{app.root}/{file}", "") for file in files if file and app.has(file)]
        first = len(todo)
        seen, size = {path for path, _ in todo}, 0
        while todo and len(seen) <= _MAX_FILES and size <= _MAX_BYTES:
            path, line = todo.pop(0)
            try:
                with open(path, "rb") as file:
                    data = file.read()
            except OSError:
                continue
            size += len(data)
            first -= 1
            for each in Code(data, path).certain_imports(main=main and first >= 0):
                own = path.startswith(f"{app.root}/")
                at = f"{path.removeprefix(f'{app.root}/')}:{each.line}" if own else line
                for name, file_path in _steps(each, path, roots):
                    if name in self._modules and not file_path.startswith(f"{app.root}/"):
                        entry = self._modules[name]
                        return _unloadable(entry, entry["owner"] or name, at)
                    if file_path and file_path not in seen:
                        seen.add(file_path)
                        todo.append((file_path, at))
        return None


def _unloadable(entry: dict[str, str], name: str, line: str = "") -> Unloadable:
    return Unloadable(name, entry["needs"], entry["remedy"], line)


def _steps(found: Import, path: str, roots: Sequence[str]) -> list[tuple[str, str]]:
    """Each module that an import runs: its full name, and its file if that is Python."""
    if found.level:
        folder = path
        for _ in range(found.level):
            folder = os.path.dirname(folder)
        root = next((each for each in roots if folder.startswith(f"{each}/")), "")
        before = folder.removeprefix(f"{root}/").replace("/", ".") if root else ""
        module = ".".join(part for part in (before, found.module) if part)
        roots = [root] if root else []
    else:
        module = found.module
    names = module.split(".") if module else []
    steps = [names[: count + 1] for count in range(len(names))]
    steps += [[*names, each] for each in found.names]
    return [(".".join(each), _file("/".join(each), roots)) for each in steps]


def _file(path: str, roots: Sequence[str]) -> str:
    for root in roots:
        for file in (f"{root}/{path}/__init__.py", f"{root}/{path}.py"):
            if os.path.isfile(file):
                return file
    return ""

"""What an app imports the moment it starts, on into its packages."""

from __future__ import annotations

import os
import sys

from cnbkit.app import App
from cnbkit_start.code import Code, Import

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Imported", "walk"]


class Imported:
    """An import statement that certainly runs.

    Attributes:
        path: the file it stands in.
        at: the line of the app that leads to it, `main.py:3`.
        code: of that file.
        found: the statement.
        module: the full name of the module it imports, or imports from.
        steps: full name and file of each module that it may run: those on the way to `module`, it,
            and the names that are imported from it. The file is empty if it is not Python's.
    """

    __slots__ = ("at", "code", "found", "module", "path", "steps")

    def __init__(
        self,
        path: str,
        at: str,
        code: Code,
        found: Import,
        module: str,
        steps: list[tuple[str, str]],
    ) -> None:
        self.path = path
        self.at = at
        self.code = code
        self.found = found
        self.module = module
        self.steps = steps


def walk(
    files: Sequence[str],
    places: Sequence[str],
    sites: Sequence[str],
    app: App,
    *,
    main: bool,
    most: int,
    scripts: Sequence[str] = (),
) -> Iterator[Imported]:
    """Go through all imports: those of the app first, then of the package read least by then.

    So what is read of a large package leaves enough for the small ones beside it.

    Args:
        files: what starts, relative to the app's root.
        places: folders of the app where Python looks for modules.
        sites: folders of packages.
        app: its files.
        main: whether the files are started, and not imported.
        most: bytes of code to read.
        scripts: absolute paths of what starts outside the app.
    """
    roots = [*(f"{app.root}/{place}".rstrip("/") for place in places), *sites]
    first = [(f"{app.root}/{file}", "") for file in files if file and app.has(file)]
    first += [(path, os.path.basename(path)) for path in scripts]
    seen = {path for path, _ in first}
    started = {*seen} if main else set()
    todo, size = _Queue(sites), 0
    for path, line in first:
        todo.add(path, line)
    while (following := todo.next()) and size <= most:
        path, line = following
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError:
            continue
        size += len(data)
        todo.count(path, len(data))
        own = path.startswith(f"{app.root}/")
        code = Code(data, path)
        for each in code.certain_imports(main=path in started):
            at = f"{path.removeprefix(f'{app.root}/')}:{each.line}" if own else line
            # Python's own come before those of packages, and after those of the app.
            standard = not each.level and each.module.partition(".")[0] in sys.stdlib_module_names
            module, steps = _steps(each, path, roots[: len(places)] if standard else roots)
            yield Imported(path, at, code, each, module, steps)
            for _, file_path in steps:
                if file_path and file_path not in seen:
                    seen.add(file_path)
                    todo.add(file_path, at)


class _Queue:
    """Files to read, each with the app's line that leads to it."""

    def __init__(self, sites: Sequence[str]) -> None:
        self._sites = sites
        self._waiting: dict[str, list[tuple[str, str]]] = {}
        self._read: dict[str, int] = {}

    def add(self, path: str, line: str) -> None:
        self._waiting.setdefault(self._package(path), []).append((path, line))

    def next(self) -> tuple[str, str] | None:
        waiting = [package for package, paths in self._waiting.items() if paths]
        if not waiting:
            return None
        least = min(waiting, key=lambda package: self._read.get(package, 0))
        return self._waiting[least].pop(0)

    def count(self, path: str, size: int) -> None:
        package = self._package(path)
        if package:  # the app's own stay first
            self._read[package] = self._read.get(package, 0) + size

    def _package(self, path: str) -> str:
        site = next((each for each in self._sites if path.startswith(f"{each}/")), "")
        return path[len(site) + 1 :].partition("/")[0] if site else ""


def _steps(found: Import, path: str, roots: Sequence[str]) -> tuple[str, list[tuple[str, str]]]:
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
    parts = [names[: count + 1] for count in range(len(names))]
    steps = [(".".join(each), _file("/".join(each), roots)) for each in parts]
    parent = steps[-1][1] if steps else ""
    for name in found.names:
        inner = _file("/".join([*names, name]), roots)
        if inner and parent != path and _mentions(parent, name):
            inner = ""  # what the package calls so may be no module
        steps.append((f"{module}.{name}" if module else name, inner))
    return module, steps


def _mentions(file: str, name: str) -> bool:
    if not file:
        return False
    with open(file, "rb") as opened:
        return name.encode() in opened.read()


def _file(path: str, roots: Sequence[str]) -> str:
    for root in roots:
        for file in (f"{root}/{path}/__init__.py", f"{root}/{path}.py"):
            if os.path.isfile(file):
                return file
    return ""

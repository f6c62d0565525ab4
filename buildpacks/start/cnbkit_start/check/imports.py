"""Modules that a process imports the moment it starts, and nothing has."""

from __future__ import annotations

import os

from cnbkit.app import App
from cnbkit_import_names import DISTRIBUTIONS
from cnbkit_start.code import Code, Import
from cnbkit_start.syntax import fault_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Protocol

    class Installed(Protocol):
        """What is installed, or will be."""

        def has_module(self, name: str) -> bool | None:
            """Whether there is a module of that name; None if that is not known."""


__all__ = [
    *("Missing", "Running", "changes_places", "missing_imports", "running", "started_files"),
    "unreadable",
]

# Enough for what an app imports of itself before its first request.
_MAX_FILES = 200
_MAX_BYTES = 2_000_000
# Code that changes where modules are looked for: what it imports is its own affair.
_CHANGES = (b"sys.path", b"sys.modules", b"sys.meta_path", b"addsitedir", b"__path__")
# Of newer versions of Python than the one that looks.
_NEWER = ("annotationlib", "compression", "tomllib")
_DEPTH = 5


class Missing:
    """An import that fails.

    Attributes:
        name: the module's first name.
        module: all of it.
        file: relative to the app's root.
        line: from 1.
        distribution: what to add to the dependencies.
    """

    __slots__ = ("distribution", "file", "line", "module", "name")

    def __init__(self, module: str, file: str, line: int) -> None:
        self.module = module
        self.name = name = module.partition(".")[0]
        self.file = file
        self.line = line
        written = name.lower().replace("_", "-")
        self.distribution = DISTRIBUTIONS.get(written, written)


class Running:
    """A file of the app that certainly runs.

    Attributes:
        path: relative to the app's root.
        data: its contents.
        imports: those that certainly run, each with whether it leads to files of the app that were
            not there before; of code that cannot be read, or changes where modules are looked for,
            there are none.
    """

    __slots__ = ("data", "imports", "path")

    def __init__(self, path: str, data: bytes, imports: list[tuple[Import, bool]]) -> None:
        self.path = path
        self.data = data
        self.imports = imports


def missing_imports(files: Sequence[Running], app: App, installed: Installed) -> Iterator[Missing]:
    """Modules that files of the app, or what they import of it, need and do not find, each once.

    Only what certainly runs counts: statements at a module's top level, not in `if` or a function,
    and in `try` only where failures are raised again. A module that lies anywhere in the app is
    not missed: a program may look there.

    Args:
        files: what runs.
        app: its files.
        installed: what there is besides.
    """
    known = _Modules(app)
    told = set()
    for each in files:
        for found, own in each.imports:
            top = found.module.partition(".")[0]
            if own or found.level or not top or top in _NEWER or top.startswith("_"):
                continue
            if top in told or installed.has_module(top) is not False or known.has(top):
                continue
            told.add(top)
            yield Missing(found.module, each.path, found.line)


def unreadable(files: Sequence[Running]) -> tuple[str, int, str] | None:
    """The first file that this Python cannot read: its name, the line, and why."""
    for each in files:
        fault = fault_of(each.data, each.path)
        if fault:
            return each.path, *fault
    return None


def running(
    files: Sequence[str], places: Sequence[str], app: App, *, main: bool = False
) -> list[Running]:
    """Files of the app that certainly run: those that start, and what they import.

    Args:
        files: what starts, relative to the app's root; those that are not there are passed over.
        places: folders of the app where Python looks for modules.
        app: its files.
        main: whether the files are started, and not imported.
    """
    ran: list[Running] = []
    todo = [file for file in files if file and app.has(file)]
    started = {*todo} if main else set()
    seen, size = set(todo), 0
    while todo and len(seen) <= _MAX_FILES and size <= _MAX_BYTES:
        path = todo.pop(0)
        data = app.bytes(path)
        size += len(data)
        code = Code(data, path)
        imports = []
        if code.known and not changes_places(data):
            for found in code.certain_imports(main=path in started):
                own = [each for each in _files(found, path, places, app) if each not in seen]
                seen.update(own)
                todo += own
                imports.append((found, bool(own)))
        ran.append(Running(path, data, imports))
    return ran


def changes_places(code: bytes) -> bool:
    """Whether code changes where modules are looked for, as far as its words tell."""
    return any(word in code for word in _CHANGES)


def started_files(module: str, attribute: str, places: Sequence[str], app: App) -> list[str]:
    """Files of the app that run when a module is imported for an attribute, or as a program."""
    return list(_files(Import(module, [attribute or "__main__"], 0, 0), "", places, app))


def _files(found: Import, path: str, places: Sequence[str], app: App) -> Iterator[str]:
    """Files of the app that an import runs."""
    if found.level:
        steps = path.split("/")[: -found.level]
        roots = ["/".join(steps)]
    else:
        roots = list(places)
    for root in roots:
        before = root
        for step in found.module.split(".") if found.module else []:
            before = f"{before}/{step}".lstrip("/")
            yield from _module_file(before, app)
        for name in found.names:
            yield from _module_file(f"{before}/{name}".lstrip("/"), app)


def _module_file(path: str, app: App) -> list[str]:
    return [each for each in (f"{path}/__init__.py", f"{path}.py") if app.has(each)][:1]


class _Modules:
    """Names of all modules below the app's root; looked for once something is missing."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._names: set[str] | None = None

    def has(self, name: str) -> bool:
        if self._names is None:
            self._names = set()
            self._look(str(self._app.root), _DEPTH)
        return name in self._names

    def _look(self, folder: str, depth: int) -> None:
        assert self._names is not None
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    self._names.add(entry.name.partition(".")[0])
                    inner = depth and entry.is_dir(follow_symlinks=False)
                    if inner and entry.name[0] != "." and entry.name != "node_modules":
                        self._look(entry.path, depth - 1)
        except OSError:
            return

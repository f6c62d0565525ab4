"""What an app imports the moment it starts, on into its packages."""

from __future__ import annotations

import os

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
        found: the statement.
        module: the full name of the module it imports, or imports from.
        steps: full name and file of each module that it may run: those on the way to `module`, it,
            and the names that are imported from it. The file is empty if it is not Python's.
    """

    __slots__ = ("at", "found", "module", "path", "steps")

    def __init__(
        self, path: str, at: str, found: Import, module: str, steps: list[tuple[str, str]]
    ) -> None:
        self.path = path
        self.at = at
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
    """Go through all imports, those of the app first.

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
    todo = [(f"{app.root}/{file}", "") for file in files if file and app.has(file)]
    todo += [(path, os.path.basename(path)) for path in scripts]
    started = {path for path, _ in todo} if main else set()
    seen, size = {path for path, _ in todo}, 0
    while todo and size <= most:
        path, line = todo.pop(0)
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError:
            continue
        size += len(data)
        own = path.startswith(f"{app.root}/")
        for each in Code(data, path).certain_imports(main=path in started):
            at = f"{path.removeprefix(f'{app.root}/')}:{each.line}" if own else line
            module, steps = _steps(each, path, roots)
            yield Imported(path, at, each, module, steps)
            for _, file_path in steps:
                if file_path and file_path not in seen:
                    seen.add(file_path)
                    todo.append((file_path, at))


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

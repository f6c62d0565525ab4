"""What the app imports of its own modules for sure, and these certainly have not."""

from __future__ import annotations

import os
import sys

from cnbkit.app import App
from cnbkit_start.code import Code, Import

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnbkit_start.check.imports import Running

__all__ = ["Absent", "absent_name", "is_there"]

# Code that makes its names, or other modules, in ways that nobody can read.
_MAKES = (b"sys.modules", b"__path__", b"__dict__", b"meta_path", b"import_module", b"locals()")


class Absent:
    """An import of the app's own that fails.

    Attributes:
        line: where it stands, `main.py:3`.
        what: what is imported, `tiers from config.city`.
        why: what is wrong with that.
        remedy: what to do.
    """

    __slots__ = ("line", "remedy", "what", "why")

    def __init__(self, line: str, what: str, why: str, remedy: str) -> None:
        self.line = line
        self.what = what
        self.why = why
        self.remedy = remedy


def absent_name(files: Sequence[Running], places: Sequence[str], app: App) -> Absent | None:
    """The first name or module of the app that code which certainly runs does not find.

    Args:
        files: what runs.
        places: folders of the app where Python looks for modules.
        app: its files.
    """
    for each in files:
        for found, _ in each.imports:
            if found.level or found.module.partition(".")[0] not in sys.stdlib_module_names:
                absent = _absent(found, each.path, places, app)
                if absent:
                    return absent
    return None


def _absent(found: Import, path: str, places: Sequence[str], app: App) -> Absent | None:
    steps = found.module.split(".") if found.module else []
    roots = _roots(found, path, places, steps, app)
    if len(roots) != 1:
        return None  # another's, or there are two
    line = f"{path}:{found.line}"
    [root] = roots
    place = root
    for at, step in enumerate(steps):
        parent, place = place, f"{place}/{step}".lstrip("/")
        if is_there(app, place):
            continue
        # Of a folder without __init__.py other parts may be installed.
        if not found.level and not (at and app.has(f"{parent}/__init__.py")):
            return None
        if app.has(f"{parent}.py") or _makes(app, f"{parent}/__init__.py"):
            return None
        what = f"{'.' * found.level}{found.module}"
        why = f"the app has no {place}.py"
        return Absent(line, what, why, "correct its name, or add the file")
    file = next((each for each in (f"{place}/__init__.py", f"{place}.py") if app.has(each)), "")
    if not file or _makes(app, file):
        return None
    code = Code(app.bytes(file), file)
    for name in found.names:
        if name == "*" or name.startswith("__") or code.defines(name) is not False:
            continue
        if file == path or (file.endswith("/__init__.py") and is_there(app, f"{place}/{name}")):
            continue
        what = f"{name} from {'.' * found.level}{found.module}"
        why = f"{file} has no {name}"
        return Absent(line, what, why, "correct the name, or define it there")
    return None


def _roots(
    found: Import, path: str, places: Sequence[str], steps: list[str], app: App
) -> list[str]:
    """Folders of the app that an import may begin at."""
    if found.level:
        return ["/".join(path.split("/")[: -found.level])]
    return [
        place
        for place in dict.fromkeys(places)
        if steps and is_there(app, f"{place}/{steps[0]}".lstrip("/"))
    ]


def is_there(app: App, module: str) -> bool:
    """Whether there is a module, a package or a folder of that name, compiled ones as well."""
    if app.has(f"{module}.py") or os.path.isdir(f"{app.root}/{module}"):
        return True
    folder, _, name = module.rpartition("/")
    return any(
        each.startswith(f"{name}.") and each.endswith((".so", ".pyc", ".pyd"))
        for each in _listed(f"{app.root}/{folder}")
    )


def _listed(folder: str) -> Iterator[str]:
    try:
        yield from os.listdir(folder)
    except OSError:
        return


def _makes(app: App, file: str) -> bool:
    return app.has(file) and any(word in app.bytes(file) for word in _MAKES)

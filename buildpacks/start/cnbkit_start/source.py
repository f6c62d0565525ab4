"""The app's Python files where it may begin; nothing of the app is imported."""

from __future__ import annotations

import os

from cnbkit.app import App

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_start.code import Code, Import

__all__ = ["Source", "every_source", "folders", "read_source", "sources"]

_MODULES = (
    *("app.py", "main.py", "server.py", "api.py", "service.py", "serve.py"),
    *("wsgi.py", "asgi.py", "streamlit_app.py", "Home.py"),
)
_IN_PACKAGES = ("main.py", "app.py", "__init__.py", "server.py", "api.py", "wsgi.py", "asgi.py")
_NOT_PACKAGES = (
    *("tests", "test", "docs", "node_modules", "venv", "env", "examples", "scripts"),
    *("migrations", "site-packages", "__pycache__", "build", "dist", "notebooks"),
)
# In the root these are not where an app begins, whatever they import.
_NOT_APPS = ("setup.py", "conftest.py", "noxfile.py", "fabfile.py", "tasks.py", "train.py")
# Of very many files nobody can tell which one it is.
_MOST = 100
# Folders within folders.
_DEEPEST = 3


class Source:
    """A Python file of the app.

    Attributes:
        name: relative to the app's root.
        root: the folder to import it from, relative to the app's root; empty for the root.
        module: what to import it as, from there.
        code: what it holds.
    """

    def __init__(self, name: str, root: str, code: Code) -> None:
        self.name = name
        self.root = root
        inner = name.removeprefix(f"{root}/") if root else name
        self.module = inner.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        self.code = code

    @property
    def is_script(self) -> bool:
        """Whether Python can start it as a file: it belongs to no package."""
        return not self.root and "/" not in self.name

    def needs_root(self, app: App) -> bool:
        """Whether it imports modules from there, which is not the folder it lies in."""
        folder = self.name.rpartition("/")[0]
        if folder == self.root:
            return False
        imported = {each.partition(".")[0] for each in self.code.imported()}
        above = f"{self.root}/" if self.root else ""
        inner = folder.removeprefix(above).partition("/")[0]
        return inner in imported or any(_is_module(app, f"{above}{each}") for each in imported)

    def file_of(self, app: App, origin: Import) -> str:
        """The app's file that an import statement of this one reads; empty if there is none."""
        if origin.level:
            parts = self.name.split("/")[: -origin.level]
        else:
            parts = [each for each in self.root.split("/") if each]
        path = "/".join([*parts, *(each for each in origin.module.split(".") if each)])
        names = [f"{path}.py"] if path else []
        names.append(f"{path}/__init__.py".lstrip("/"))
        return next((name for name in names if app.has(name)), "")


def sources(app: App) -> list[Source]:
    """The files where an app usually begins, in the order in which they count."""
    names = [*_MODULES, *(f"src/{name}" for name in _MODULES)]
    for folder in ("", "src/"):
        packages = [name for name in folders(f"{app.root}/{folder}") if name != "src"]
        names += [f"{folder}{each}/{name}" for each in packages for name in _IN_PACKAGES]
    names = [name for name in names if app.has(name)]
    others = [*_others(app.root), *(f"src/{name}" for name in _others(f"{app.root}/src"))]
    names += [name for name in others if name not in names]
    return [read_source(app, name) for name in names]


def every_source(app: App) -> list[Source]:
    """Files at any place, besides those of tests, examples and the like; none of very many."""
    found: list[str] = []
    places = [""]
    while places:
        place = places.pop(0)
        inner, files = _contents(f"{app.root}/{place}")
        if place.count("/") < _DEEPEST:
            places += [f"{place}{name}/" for name in inner]
        found += [f"{place}{name}" for name in files]
    return [read_source(app, name) for name in found] if len(found) <= 2 * _MOST else []


def _contents(folder: str) -> tuple[list[str], list[str]]:
    """Names of the folders and of the Python files in a folder, sorted; no links."""
    try:
        with os.scandir(folder) as entries:
            sorted_entries = sorted(entries, key=lambda each: each.name)
    except OSError:
        return [], []
    inner = [
        each.name
        for each in sorted_entries
        if each.is_dir(follow_symlinks=False)
        and each.name.isidentifier()
        and each.name not in _NOT_PACKAGES
    ]
    files = [
        each.name
        for each in sorted_entries
        if each.name.endswith(".py")
        and each.is_file(follow_symlinks=False)
        and each.name not in _NOT_APPS
        and not each.name.startswith(("test_", "."))
    ]
    return inner, files


def read_source(app: App, name: str) -> Source:
    """One of them."""
    from cnbkit_start.code import Code  # many apps have no such file

    code = Code(app.bytes(name), name)
    return Source(name, _root(app, name, code), code)


def _root(app: App, name: str, code: Code) -> str:
    """From where a file can be imported, which its own imports tell."""
    folder = name.rpartition("/")[0]
    if not folder:
        return ""
    base = "src" if name.startswith("src/") else ""
    top = name.partition("/")[0]
    own = name.rpartition("/")[2].removesuffix(".py")
    # `from celery import Celery` in a file of that name means the package.
    imported = {each.partition(".")[0] for each in code.imported()} - {own}
    if top in imported:  # `from src.models import …`, `from app.models import …`
        return ""
    if base and folder == base:
        inside = code.is_relative or app.has("src/__init__.py")
        beside = any(_is_module(app, f"src/{each}") for each in imported)
        return "" if inside and not beside else base
    if name.endswith("/__init__.py") or code.is_relative:
        return base
    # Modules that are in a folder above it, or beside it, and not in the root: it is meant to be
    # started there.
    above = f"{base}/" if base else ""
    if any(_is_module(app, f"{above}{each}") for each in imported):
        return base
    while folder != base:
        if any(_is_module(app, f"{folder}/{each}") for each in imported):
            return folder
        folder = folder.rpartition("/")[0]
    return base


def _is_module(app: App, path: str) -> bool:
    return app.has(f"{path}.py") or app.has(f"{path}/__init__.py")


def _others(root: str) -> list[str]:
    """Other Python files of the root, sorted."""
    try:
        names = sorted(os.listdir(root))
    except OSError:
        return []
    found = [each for each in names if _may_begin(each) and os.path.isfile(f"{root}/{each}")]
    return found if len(found) <= _MOST else []


def folders(path: str, also: str = "") -> list[str]:
    """Names of folders that may be packages, sorted; not those of tests and the like.

    Args:
        path: the folder they lie in.
        also: what may stand in a name besides what an `import` takes.
    """
    try:
        with os.scandir(path) as entries:
            found = [each.name for each in entries if each.is_dir()]
    except OSError:
        return []
    return sorted(name for name in found if _is_package(name, also))


def _is_package(name: str, also: str = "") -> bool:
    plain = name.translate(str.maketrans("", "", also))
    return plain.isidentifier() and name not in _NOT_PACKAGES


def _may_begin(name: str) -> bool:
    """Whether an app may begin in a file of that name."""
    return name.endswith(".py") and name not in _NOT_APPS and not name.startswith(("test_", "."))

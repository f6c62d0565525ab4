"""Whether what a buildpack's code imports will be there when it runs.

On a machine with more installed than the buildpack declares, its unit tests import what a build
does not have. There it has the standard library, cnbkit with what that brings, its own modules,
its libraries, and what requirements.lock names.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING

import cnbkit_engine.buildpack

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cnbkit_engine.lint.finding import Findings
    from cnbkit_engine.lint.text import Python

__all__ = ["check_imports", "check_names", "normal_name", "runtime_packages"]

_NAME = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)", re.M)


def check_imports(python: Python, folder: Path, libraries: Iterable[Path], found: Findings) -> None:
    """Tell every import of something that no build has.

    Args:
        python: the code of the buildpack and of its libraries.
        folder: the buildpack's.
        libraries: the packages it shares with others.
        found: what was found so far.
    """
    libraries = [*libraries]
    own = {"cnbkit", *_modules(folder), *(library.name for library in libraries)}
    locked = runtime_packages()
    for each in (folder, *libraries):
        locked |= _locked(each / "requirements.lock")
    known = packages_distributions()
    for name, (path, line) in sorted(python.imports().items()):
        if name in own or name in sys.stdlib_module_names:
            continue
        brought_by = {normal_name(each) for each in known.get(name, ())}
        if brought_by & locked or (not brought_by and _may_bring(name, locked)):
            continue
        if _vendored(name, locked):
            continue
        package = min(brought_by, default=normal_name(name))
        lock = folder / "requirements.lock"
        what = f"{name} is imported, and no build has it: {_why(lock, package)}"
        remedy = f"name {package} in requirements.in and lock it (uv pip compile --generate-hashes)"
        found.error(path, line, "import", what, remedy)


def check_names(folder: Path, found: Findings) -> None:
    """Tell modules of the buildpack that hide those of Python or of cnbkit's own packages."""
    known = packages_distributions()
    runtime = runtime_packages()
    brought = {name for name, by in known.items() if {normal_name(each) for each in by} & runtime}
    for name, path in sorted(_modules(folder).items()):
        whose = ""
        if name in sys.stdlib_module_names:
            whose = "the standard library"
        elif name == "cnbkit" or name in brought:
            whose = "cnbkit's packages"
        if whose:
            what = f"the module {name} hides the one of {whose}, which others import"
            found.error(path, 1, "import", what, f"name it otherwise, like acme_{name}")


def _modules(folder: Path) -> dict[str, Path]:
    """The modules and packages that lie in a folder, with a file of each."""
    found = {path.stem: path for path in folder.glob("*.py")}
    found |= {path.parent.name: path for path in folder.glob("*/__init__.py")}
    for path in folder.glob("*/*.py"):
        found.setdefault(path.parent.name, path)
    return {
        name: path
        for name, path in found.items()
        if name not in ("tests", "bin", "build", "dist") and name.isidentifier()
    }


def runtime_packages() -> set[str]:
    """Packages that cnbkit brings into every buildpack, by their normal names."""
    return _locked(Path(cnbkit_engine.buildpack.__file__).parent / "runtime.lock")


def _locked(lock: Path) -> set[str]:
    if not lock.is_file():
        return set()
    text = lock.read_text(encoding="utf-8", errors="replace")
    return {normal_name(name) for name in _NAME.findall(text)}


def normal_name(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _may_bring(module: str, packages: set[str]) -> bool:
    """Whether a package that is not installed here may have the module, as far as names tell."""
    plain = normal_name(module).replace("-", "")
    return any(
        plain in (flat := each.replace("-", "")) or flat.removeprefix("py") == plain
        for each in packages
    )


def _vendored(module: str, packages: set[str]) -> bool:
    """Whether one of the packages carries the module in a folder that it puts on the path."""
    for package in packages:
        try:
            files = distribution(package).files or ()
        except PackageNotFoundError:
            continue
        if any(f"/_vendor/{module}/__init__.py" in f"/{file}" for file in files):
            return True
    return False


def _why(lock: Path, package: str) -> str:
    if not lock.is_file():
        return "there is no requirements.lock"
    return f"requirements.lock does not name {package}"

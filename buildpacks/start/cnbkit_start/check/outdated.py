"""Code for an older Python, in the app or in a package that it imports."""

from __future__ import annotations

import re

from cnbkit_start.check.definitions import failing
from cnbkit_start.check.lost_names import lost_name
from cnbkit_start.check.packages import package_of
from cnbkit_start.check.problem import Problem
from cnbkit_start.check.standard import reads_no_more_than_this
from cnbkit_start.syntax import fault_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnbkit_start.check.walk import Imported

__all__ = ["Outdated"]


class Outdated:
    """Looks at each file once.

    Args:
        root: of the app.
        sites: folders of packages.
        python: the version that runs the app; empty if it is not known.
    """

    def __init__(self, root: str, sites: Sequence[str], python: str) -> None:
        self._root = root
        self._sites = sites
        self._python = python
        self._seen: set[str] = set()

    def problem(self, found: Imported) -> Problem | None:
        """Whether an import asks for what Python has no more, or its file can never be imported."""
        return self._file(found) or self._name(found)

    def _name(self, found: Imported) -> Problem | None:
        files = dict(found.steps)
        steps = found.module.split(".")
        asked = [(".".join(steps[:at]), steps[at]) for at in range(1, len(steps))]
        asked += [(found.module, name) for name in found.found.names]
        for module, name in asked:
            lost = lost_name(module, name, self._python)
            if lost is None or files.get(module):  # a package of that name
                continue
            if self._is_given_back(name):
                continue
            chain, package = self._importer(found)
            what = f"{chain} imports {name} from {module}, {lost.why}"
            return Problem(what, _remedy(package, lost.instead, older=lost.older))
        return None

    def _file(self, found: Imported) -> Problem | None:
        if found.path in self._seen:
            return None
        self._seen.add(found.path)
        package = package_of(found.path, self._sites)
        if package and not found.code.known and reads_no_more_than_this(self._python):
            with open(found.path, "rb") as file:
                fault = fault_of(file.read(), found.path)
            if fault:
                line, why = fault
                name = found.path.removeprefix(f"{package.site}/")
                what = f"{found.at} imports {package.module}, whose {name}:{line} is not Python 3"
                return Problem(f"{what}: {why}", _remedy(package.name, older=False))
            return None
        wrong = failing(found.code, self._python) if found.code.known else None
        if wrong is None or (wrong.name and self._is_given_back(wrong.name)):
            return None
        place = f"{found.path.removeprefix(f'{self._root}/')}:{wrong.line}"
        if package:
            name = found.path.removeprefix(f"{package.site}/")
            place = f"{found.at} imports {package.module}, whose {name}:{wrong.line}"
        remedy = _remedy(package.name if package else "", wrong.instead)
        return Problem(f"{place} {wrong.what}", remedy)

    def _is_given_back(self, name: str) -> bool:
        """Whether a file that runs before gives a module the name that it has lost."""
        word = re.escape(name.encode())
        given = re.compile(rb"\.%b *=[^=]|setattr\([^\n]*['\"]%b['\"]" % (word, word))
        for path in self._seen:
            with open(path, "rb") as file:
                if given.search(file.read()):
                    return True
        return False

    def _importer(self, found: Imported) -> tuple[str, str]:
        """What leads to an import, in words, and the package it stands in; empty if the app."""
        package = package_of(found.path, self._sites)
        if package is None:
            return found.at, ""
        chain = f"{found.at} imports {package.module}, which"
        return (chain if found.at != package.module else package.module), package.name


def _remedy(package: str, instead: str = "", *, older: bool = True) -> str:
    if not package:
        return f"use {instead} in its place"
    return f"take a newer release of {package}, or another package" + (
        ", or write an older Python into .python-version" if older else ""
    )

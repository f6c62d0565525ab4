"""Packages whose releases do not go together: one imports what the other has no more."""

from __future__ import annotations

import os
import sys
from itertools import chain

from cnbkit.app import App
from cnbkit_start.check.outdated import Outdated
from cnbkit_start.check.packages import package_of, release_of
from cnbkit_start.check.problem import Problem
from cnbkit_start.check.standard import loss
from cnbkit_start.check.walk import Imported, walk
from cnbkit_start.code import Code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    class Packages(Protocol):
        """What the image has besides the app."""

        @property
        def sites(self) -> list[str]:
            """Folders of packages."""

        def has_module(self, name: str) -> bool | None:
            """Whether there is a module of that name; None if that is not known."""

        def lost(self, name: str) -> bool:
            """Whether Python had a module of that name once, and nothing has it now."""


__all__ = ["mismatch"]

# A web framework's packages come to what they import of each other, and of Python, within this. A
# million bytes take a third of a second.
_MOST = 1_500_000
# Code that makes modules or their contents in ways that nobody can read.
_MAKES = (b"sys.modules", b"__path__", b"__dict__", b"meta_path", b"import_module", b"locals()")
# Modules that a package brought once, and what brings them. Of others nobody can say that nothing
# finds them: packages have folders of their own for what they carry along.
_MODULES_GONE = {"pkg_resources": "setuptools<82"}
# Defined or imported at the start of a line: most names are, and nothing else need be read.
_PLAIN = rb"(?m)^[ \t]*(?:(?:async +)?(?:def|class) +%b\b|%b *[:=,]|%b$|(?:from|import) .*\b%b\b)"
# The release that has a name no more, where it is not a major one.
_GONE = {
    ("jinja2", "3"): "3.1",
    ("itsdangerous", "2"): "2.1",
    ("markupsafe", "2"): "2.1",
    ("flask", "2"): "2.3",
}


def mismatch(
    files: Sequence[str],
    places: Sequence[str],
    image: Packages,
    app: App,
    *,
    main: bool,
    program: str = "",
    python: str = "",
) -> Problem | None:
    """The first name that certainly is imported, and certainly is not there.

    Args:
        files: what starts, relative to the app's root.
        places: folders of the app where Python looks for modules.
        image: where packages are, and which modules they have.
        app: its files.
        main: whether the files are started, and not imported.
        program: what is started, if it is found on PATH.
        python: the version that runs the app; empty if it is not known.
    """
    sites = image.sites
    modules, outdated = _Modules(), Outdated(app.root, sites, python)
    scripts = _scripts(program, sites)
    walks = [walk(files, places, sites, app, main=main, most=_MOST)]
    walks += [walk([], [], sites, app, main=True, most=_MOST, scripts=scripts)] if scripts else []
    for each in chain(*walks):
        files_of = dict(each.steps)
        if found := _unowned(each, image) or outdated.problem(each):
            return found
        if each.module.partition(".")[0] in sys.stdlib_module_names:
            continue
        wanted = each.module.split(".")
        asked = [(".".join(wanted[:at]), wanted[at], True) for at in range(1, len(wanted))]
        asked += [(each.module, name, False) for name in each.found.names]
        for module, name, as_module in asked:
            file = files_of.get(module, "")
            site = next((site for site in sites if file.startswith(f"{site}/")), "")
            if not site or files_of.get(f"{module}.{name}") or _sets(each.path, name):
                continue
            if modules.lacks(file, name, as_module=as_module):
                return _mismatch(each, name, module, site, sites)
    return None


def _scripts(program: str, sites: Sequence[str]) -> list[str]:
    """The Python script that is a program of a package."""
    if not program or "/" in program:
        return []
    paths = [os.path.normpath(f"{site}/../../../bin/{program}") for site in sites]
    return [path for path in paths if os.path.isfile(path) and _is_python(path)][:1]


def _is_python(path: str) -> bool:
    with open(path, "rb") as file:
        return b"python" in file.read(500).partition(b"import")[0]


def _unowned(each: Imported, image: Packages) -> Problem | None:
    """That a package imports what another one had."""
    top = each.module.partition(".")[0]
    importer = package_of(each.path, image.sites)
    if not importer or each.found.level or dict(each.steps).get(top):
        return None
    # setuptools brings `distutils` in ways of its own.
    lost = top != "distutils" and image.lost(top)
    if not lost and (top not in _MODULES_GONE or image.has_module(top) is not False):
        return None
    chain_of = importer.module
    if each.at != importer.module:
        chain_of = f"{each.at} imports {importer.module}, which"
    newer = f"take a newer release of {importer.name}"
    if lost:
        why, remedy = loss(top, own=False)
        return Problem(
            f"{chain_of} imports {top}, {why}", f"{remedy}, or {newer}" if remedy else newer
        )
    return Problem(
        f"{chain_of} imports {top}, which no package has",
        f"add `{_MODULES_GONE[top]}` to the dependencies, or {newer}",
    )


class _Modules:
    """Modules that have been looked at: several names are imported from most."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[set[str], bytes]] = {}
        self._codes: dict[str, Code] = {}

    def lacks(self, file: str, name: str, *, as_module: bool) -> bool:
        """Whether a module certainly has no such name, or a package no such module."""
        import re

        if name == "*" or name.startswith("__"):
            return False
        if file not in self._known:
            folder, base = os.path.split(file)
            beside = {each.partition(".")[0] for each in os.listdir(folder) if each != base}
            with open(file, "rb") as opened:
                self._known[file] = beside, opened.read()
        beside, data = self._known[file]
        stem = os.path.basename(file).removesuffix(".py")
        # A module; or it is compiled, and that is what is imported.
        if (name if stem == "__init__" else stem) in beside or stem in beside:
            return False
        # An empty one may be a stand-in that another buildpack fills.
        if not data.strip() or any(word in data for word in _MAKES):
            return False
        if as_module:
            return stem == "__init__"
        if re.search(_PLAIN % ((name.encode(),) * 4), data):
            return False
        if file not in self._codes:
            self._codes[file] = Code(data, file)
        return self._codes[file].defines(name) is False


def _sets(path: str, name: str) -> bool:
    """Whether the code that imports a name gives it to the module before."""
    with open(path, "rb") as file:
        return f".{name} =".encode() in file.read()


def _mismatch(each: Imported, name: str, module: str, site: str, sites: Sequence[str]) -> Problem:
    top = module.partition(".")[0]
    package, version = release_of(site, top)
    has = f"{package} {version}".strip()
    importer = package_of(each.path, sites)
    if importer:
        other = importer.module
        chain_of = f"{each.at} imports {other}, which" if each.at != other else other
        what = f"{chain_of} imports {name} from {module}"
        newer = f", or take a newer release of {importer.name}"
    else:
        what = f"{each.at} imports {name} from {module}"
        newer = ", or change the import"
    older = _older(package, version)
    return Problem(
        f"{what}, and {has} has no such name",
        f"add `{package}{older}` to the dependencies{newer}"
        if older
        else f"take another release of {package}{newer}",
    )


def _older(package: str, version: str) -> str:
    major, _, rest = version.partition(".")
    minor = rest.partition(".")[0]
    if not major.isdigit() or not minor.isdigit():
        return ""
    gone = _GONE.get((package, major))
    if gone:
        return f"<{gone}"
    return f"<{major}" if major != "0" else f"<0.{minor}" if minor != "0" else ""

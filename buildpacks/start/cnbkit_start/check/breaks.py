"""Modules that packages import and newer versions of Python or setuptools have no more."""

from __future__ import annotations

import os

from cnbkit_start.code import Code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["hints", "needs_of"]

_GONE = ("pkg_resources", "distutils")
# They are these modules, or bring them.
_OWNERS = ("setuptools", "pkg_resources", "_distutils_hack", "pip", "numpy")


def needs_of(folder: str, names: list[str]) -> list[str]:
    """`module:needed` for modules of a site-packages folder that cannot be imported without.

    Only what is imported first is read: a module's `__init__.py`. What stands deeper may never run.
    """
    found = []
    for name in names:
        path = f"{folder}/{name}" if name.endswith(".py") else f"{folder}/{name}/__init__.py"
        module = name.removesuffix(".py")
        if module in _OWNERS or not os.path.isfile(path):
            continue
        with open(path, "rb") as file:
            data = file.read()
        mentioned = [gone for gone in _GONE if gone.encode() in data]
        found += [f"{module}:{gone}" for gone in mentioned if Code(data, path).needs(gone)]
    return found


def hints(needs: Iterable[str], has_module: Callable[[str], bool | None], python: str) -> list[str]:
    """What will certainly break, with what to do, one line each.

    Args:
        needs: `module:needed`, of all that is installed.
        has_module: whether a module is there; None if that is not known.
        python: the version, `3.13.1`; empty if it is not known.
    """
    numbers = [int(part) for part in python.split(".")[:2] if part.isdigit()]
    new = numbers >= [3, 12]
    found = []
    for each in sorted(set(needs)):
        module, _, gone = each.partition(":")
        if gone == "pkg_resources" and has_module(gone) is False:
            found.append(
                f"{module} imports pkg_resources, which setuptools has no more since 82: add "
                f"`setuptools<82` to the dependencies, or a newer release of {module}"
            )
        # setuptools puts its own in the place of the one that is gone.
        if gone == "distutils" and new and has_module("_distutils_hack") is False:
            found.append(
                f"{module} imports distutils, which Python has no more since 3.12: add "
                f"`setuptools` to the dependencies, or a newer release of {module}, or build with "
                "Python 3.11"
            )
    return found

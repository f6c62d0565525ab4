"""Which package a file of an image belongs to."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Package", "package_of", "release_of"]


class Package:
    """An installed package.

    Attributes:
        site: the folder it lies in.
        module: what it is imported as.
    """

    __slots__ = ("module", "site")

    def __init__(self, site: str, module: str) -> None:
        self.site = site
        self.module = module

    @property
    def name(self) -> str:
        """What it is called."""
        return release_of(self.site, self.module)[0]


def package_of(path: str, sites: Sequence[str]) -> Package | None:
    """The package that has a file; None if it is none of a package.

    Args:
        path: absolute.
        sites: folders of packages.
    """
    site = next((each for each in sites if path.startswith(f"{each}/")), "")
    if not site:
        return None
    return Package(site, path.removeprefix(f"{site}/").partition("/")[0].removesuffix(".py"))


def release_of(site: str, module: str) -> tuple[str, str]:
    """The package of a module, and its version, by the folder of its metadata."""
    for entry in sorted(os.listdir(site)):
        name, dash, version = entry.removesuffix(".dist-info").partition("-")
        same = name.lower().replace("-", "_") == module.lower()
        if entry.endswith(".dist-info") and dash and same:
            return name.lower().replace("_", "-"), version
    return module, ""

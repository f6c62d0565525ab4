"""Which paths a layer has, and the image below it has not."""

from __future__ import annotations

import os
import re
from glob import escape, glob

__all__ = ["MERGED", "MULTIARCH", "Layout", "merged"]

MULTIARCH = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
# Merged /usr: what packages have in these is in /usr.
MERGED = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")
_INSTALLED = re.compile(r"(?m)^Package: (\S+)$")
# In every image, whatever its database of packages says.
_ALWAYS = ("usr", "usr/bin", "usr/sbin", "usr/lib", "usr/share", "usr/include", "usr/local")
_ALSO = ("etc", "opt", "var", "var/lib", "var/cache", "var/log", "usr/games", "usr/libexec")


def merged(path: str) -> str:
    """Where a package's file lies, without a leading slash."""
    top = path.partition("/")[0]
    return f"usr/{path}" if top in MERGED else path


class Layout:
    """A layer, and the image it is added to.

    Args:
        root: the layer's directory.
        arch: `amd64` or `arm64`.
        system: where the build image's own files are; empty for `/`.
        status: dpkg's database of what the image below the layer has.
    """

    def __init__(self, root: str, arch: str, system: str, status: str) -> None:
        self.root = root
        self.lib = f"usr/lib/{MULTIARCH[arch]}"
        self._shared = {*_ALWAYS, *_ALSO, self.lib, f"usr/include/{MULTIARCH[arch]}"}
        self._shared |= _folders(system, status)
        self._own: dict[str, str] = {}

    def own(self, path: str) -> str:
        """What of an absolute path is in the layer alone: the path, or the nearest folder above.

        Returns:
            It, without a leading slash and as it is in the layer; empty if there is none.
        """
        found = self._own.get(path)
        if found is None:
            found = self._own[path] = self._find(merged(path.strip("/")))
        return found

    def top(self, place: str) -> str:
        """The uppermost folder of a place that is in the layer alone."""
        while (above := place.rpartition("/")[0]) and above not in self._shared:
            place = above
        return place

    def _find(self, place: str) -> str:
        while place and place not in self._shared:
            if os.path.lexists(f"{self.root}/{place}"):
                return place
            place = place.rpartition("/")[0]
        return ""


def _folders(system: str, status: str) -> set[str]:
    """All that the image's packages own, folders as well."""
    with open(status, encoding="utf-8") as file:
        names = _INSTALLED.findall(file.read())
    info = f"{system}/var/lib/dpkg/info"
    found: set[str] = set()
    for name in names:
        for path in (f"{info}/{name}.list", *glob(f"{escape(f'{info}/{name}')}:*.list")):
            try:
                with open(path, encoding="utf-8", errors="surrogateescape") as file:
                    found.update(merged(line.strip().strip("/")) for line in file)
            except FileNotFoundError:
                continue
    return found

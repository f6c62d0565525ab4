"""Packages that the interpreter has already: conda's.

pip keeps an installed package that fits, and replaces one that does not. A resolver knows of none;
so it is given a folder with a wheel for each, which conda's buildpack tells of, prefers their
versions, and what it then takes of them is not installed again.
"""

from __future__ import annotations

import hashlib
import os

from cnbkit import BuildContext, PythonBuild

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Provided"]

_LIST = "packages"
_DIRECT = ("vcs", "directory", "archive")


class Provided:
    """What is there.

    Attributes:
        folder: with a wheel for each; empty if there is nothing.
        versions: by normalised name.
    """

    def __init__(self, folder: str, versions: dict[str, str]) -> None:
        self.folder = folder
        self.versions = versions

    @classmethod
    def of(cls, ctx: BuildContext) -> Provided:
        """What the buildpack that made the interpreter says."""
        folder = PythonBuild.read(ctx).conda_wheels
        if not folder or not os.path.exists(f"{folder}/{_LIST}"):
            return cls("", {})
        with open(f"{folder}/{_LIST}", encoding="utf-8") as file:
            return cls(folder, dict(line.split() for line in file))

    def digests(self) -> list[str]:
        """For the key: another set leaves other packages to install."""
        if not self.versions:
            return []
        text = "\n".join(f"{name} {version}" for name, version in self.versions.items())
        return [f"packages of conda #{hashlib.sha256(text.encode()).hexdigest()[:24]}"]

    def links(self, given: str) -> dict[str, str]:
        """The folder for uv, besides those that are given."""
        return {"UV_FIND_LINKS": ",".join(filter(None, (given, self.folder)))} if self else {}

    def prefer(self, path: str) -> None:
        """Have a pylock.toml name these versions, so that a resolver keeps them."""
        if not self:
            return
        import tomllib

        import tomli_w

        document: dict[str, Any] = {"lock-version": "1.0", "created-by": "cnbkit", "packages": []}
        if os.path.exists(path):
            with open(path, "rb") as file:
                document = tomllib.load(file)
        others = [each for each in document["packages"] if each["name"] not in self.versions]
        own = [self._entry(name, version) for name, version in self.versions.items()]
        with open(path, "wb") as file:
            tomli_w.dump({**document, "packages": [*others, *own]}, file)

    def leave_out(self, path: str) -> list[str]:
        """Take out of a pylock.toml what is there already.

        Returns:
            What is installed in another version than it is there, one line each.
        """
        if not self:
            return []
        import tomllib

        import tomli_w

        with open(path, "rb") as file:
            document = tomllib.load(file)
        entries = [each for each in document.get("packages", []) if not self.has(each)]
        with open(path, "wb") as file:
            tomli_w.dump({**document, "packages": entries}, file)
        return [
            f"{each['name']} {each.get('version', '(from its folder)')} replaces conda's "
            f"{self.versions[each['name']]}"
            for each in entries
            if each["name"] in self.versions
        ]

    def has(self, entry: dict[str, Any]) -> bool:
        """Whether an entry of a lock is there in this version, and not from a place of its own."""
        version = self.versions.get(entry["name"])
        return version is not None and version == entry.get("version") and not _is_direct(entry)

    def __bool__(self) -> bool:
        return bool(self.versions)

    def _entry(self, name: str, version: str) -> dict[str, Any]:
        file = f"{name.replace('-', '_')}-{version}-py30-none-any.whl"
        wheel = {"path": f"{self.folder}/{file}", "hashes": {"sha256": "0" * 64}}
        return {"name": name, "version": version, "wheels": [wheel]}


def _is_direct(entry: dict[str, Any]) -> bool:
    return any(kind in entry for kind in _DIRECT)

"""The packages of a lock (PEP 751)."""

from __future__ import annotations

import hashlib
import os
import tomllib
from typing import Any

from cnbkit_pip.requirements import normalised, tree_digest

__all__ = ["Package", "read_lock"]


class Package:
    """One entry of a pylock.toml (PEP 751, `[[packages]]`).

    Attributes:
        entry: the table as it stands in the lock.
    """

    def __init__(self, entry: dict[str, Any]) -> None:
        self.entry = entry

    @property
    def name(self) -> str:
        """Its normalised name."""
        return normalised(self.entry["name"])

    @property
    def version(self) -> str:
        """Its version; "local" for a directory without one."""
        return str(self.entry.get("version", "local"))

    @property
    def size(self) -> int:
        """Bytes to download: of the largest file that may be chosen; 0 where unknown."""
        return max((int(each.get("size", 0)) for each in self.artifacts()), default=0)

    def artifacts(self) -> list[dict[str, Any]]:
        """Its wheels if there are any, else its source distribution or archive."""
        wheels = self.entry.get("wheels") or []
        others = [self.entry[kind] for kind in ("sdist", "archive") if kind in self.entry]
        return list(wheels) or others

    def identity(self) -> str:
        """What it is to the byte: name and version, then a digest the log does not show.

        The digest is over the hashes of the files it may be installed from, or the commit.
        """
        parts = [
            str(value)
            for artifact in self.artifacts()
            for value in artifact.get("hashes", {}).values()
        ]
        if "vcs" in self.entry:
            parts.append(str(self.entry["vcs"].get("commit-id", "")))
        if "directory" in self.entry:
            parts.append(tree_digest(self.entry["directory"]["path"]))
        digest = hashlib.sha256(" ".join(sorted(parts)).encode()).hexdigest()
        return f"{self.name} {self.version} #{digest[:24]}"

    def restricted_to(self, allowed: set[str]) -> Package:
        """The same package with only the files of these SHA-256 sums."""
        entry = dict(self.entry)
        wheels = [each for each in entry.get("wheels", []) if _sha256(each) in allowed]
        entry.pop("wheels", None)
        if wheels:
            entry["wheels"] = wheels
        if "sdist" in entry and _sha256(entry["sdist"]) not in allowed:
            del entry["sdist"]
        return Package(entry)


def read_lock(path: str) -> list[Package]:
    """The packages of a pylock.toml."""
    with open(path, "rb") as file:
        entries = tomllib.load(file)["packages"]
    return [Package(_with_absolute_paths(entry, os.path.dirname(path))) for entry in entries]


def _with_absolute_paths(entry: dict[str, Any], folder: str) -> dict[str, Any]:
    """Paths in a lock are relative to it; the layers' own locks lie elsewhere."""
    result = dict(entry)
    for kind in ("archive", "directory", "vcs", "sdist"):
        source = entry.get(kind)
        if isinstance(source, dict) and "path" in source:
            result[kind] = {
                **source,
                "path": os.path.normpath(os.path.join(folder, source["path"])),
            }
    if "wheels" in entry:
        result["wheels"] = [
            {**each, "path": os.path.normpath(os.path.join(folder, each["path"]))}
            if "path" in each
            else each
            for each in entry["wheels"]
        ]
    return result


def _sha256(artifact: dict[str, Any]) -> str:
    return str(artifact.get("hashes", {}).get("sha256", ""))

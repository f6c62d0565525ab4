"""One package of a lock (PEP 751), with the one file it is installed from."""

from __future__ import annotations

import hashlib
import os

from cnbkit_python_inputs.requirements import normalised
from cnbkit_python_inputs.tree import project_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Package"]


class Package:
    """One entry of a pylock.toml (PEP 751, `[[packages]]`).

    Attributes:
        entry: the table as it stands in the lock; paths in it are absolute.
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
    def directory(self) -> str:
        """The folder it is built from; empty for all that is not a folder."""
        return str(self.entry.get("directory", {}).get("path", ""))

    @property
    def editable(self) -> bool:
        """Whether its code stays where it is."""
        return bool(self.entry.get("directory", {}).get("editable", False))

    @property
    def size(self) -> int:
        """Bytes to download: of the largest file that may be chosen; 0 where unknown."""
        return max((_size(each) for each in self.artifacts()), default=0)

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
        if built_with := self.entry.get("tool", {}).get("cnbkit", {}).get("built-with"):
            parts.append(str(built_with))
        if self.directory:
            parts.append(project_digest(self.directory, editable=self.editable))
        digest_of_all = hashlib.sha256(" ".join(sorted(parts)).encode()).hexdigest()
        return f"{self.name} {self.version} #{digest_of_all[:24]}"

    def in_place(self, editable: bool) -> Package:
        """The same folder, with its code where it is or as a copy."""
        directory = {**self.entry["directory"], "editable": editable}
        return Package({**self.entry, "directory": directory})

    def restricted_to(self, allowed: set[str]) -> Package:
        """The same package with only the files of these hashes, `sha256:…` and so on."""
        entry = dict(self.entry)
        wheels = [each for each in entry.get("wheels", []) if not _hashes(each).isdisjoint(allowed)]
        entry.pop("wheels", None)
        if wheels:
            entry["wheels"] = wheels
        for kind in ("sdist", "archive"):
            if kind in entry and _hashes(entry[kind]).isdisjoint(allowed):
                del entry[kind]
        return Package(entry)


def _size(artifact: dict[str, Any]) -> int:
    if "size" in artifact:
        return int(artifact["size"])
    url = str(artifact.get("url", ""))
    path = str(artifact.get("path") or (url.removeprefix("file://") if "file:" in url else ""))
    return os.path.getsize(path) if path and os.path.exists(path) else 0


def _hashes(artifact: dict[str, Any]) -> set[str]:
    return {f"{kind}:{digest}".lower() for kind, digest in artifact.get("hashes", {}).items()}

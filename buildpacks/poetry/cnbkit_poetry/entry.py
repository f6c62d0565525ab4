"""Poetry's packages as entries of a pylock.toml (PEP 751)."""

from __future__ import annotations

import os
from typing import Any

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version
from poetry.core.packages.package import Package

from cnbkit import App
from cnbkit_lock_front_end.location import without_credentials
from cnbkit_lock_front_end.lock import checked
from cnbkit_lock_front_end.outside import outside

__all__ = ["Entries"]

_LOCK = "poetry.lock"


class Entries:
    """The packages of one environment.

    Args:
        app: the app.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._root = app.root
        self._found: dict[str, dict[str, Any]] = {}
        self._faults: list[str] = []

    def add(self, package: Package) -> None:
        """Add a package; the same one again, with other extras, changes nothing."""
        if package.name not in self._found:
            self._found[package.name] = self._entry(package)
        elif self._found[package.name] != self._entry(package):
            self._faults.append(f"{package.name}: two versions for one environment")

    def add_project(self, name: str) -> None:
        """Add the app itself, its code where it is."""
        self._found[name] = {"name": name, "directory": {"path": self._root, "editable": True}}

    def checked(self) -> list[dict[str, Any]]:
        """All entries by name.

        Raises:
            UserFault: naming every package that cannot be installed.
        """
        return checked(self._found, self._faults, _LOCK, "poetry lock")

    def _entry(self, package: Package) -> dict[str, Any]:
        entry: dict[str, Any] = {"name": str(package.name)}
        source = package.source_url or ""
        kind = package.source_type
        if kind == "directory":
            entry["directory"] = {"path": self._path(package), "editable": package.develop}
            return entry
        entry["version"] = str(package.version)
        if kind == "git":
            entry["vcs"] = {
                "type": "git",
                "url": without_credentials(_git(source)),
                "commit-id": package.source_resolved_reference,
            }
            if package.source_reference:
                entry["vcs"]["requested-revision"] = package.source_reference
        elif kind == "file":
            entry["archive"] = {"path": self._path(package), "hashes": self._one_hash(package)}
        elif kind == "url":
            entry["archive"] = {
                "url": without_credentials(source),
                "hashes": self._one_hash(package),
            }
        else:
            if source:
                entry["index"] = without_credentials(source)
            self._add_files(entry, package)
        if package.source_subdirectory:
            entry["vcs" if kind == "git" else "archive"]["subdirectory"] = (
                package.source_subdirectory
            )
        return entry

    def _path(self, package: Package) -> str:
        path = os.path.normpath(package.source_url or "")
        if fault := outside(self._app, path, "pyproject.toml", _LOCK):
            raise fault
        if not os.path.exists(path):
            shown = os.path.relpath(path, self._root)
            self._faults.append(f"{package.name}: there is no {shown}")
        return path

    def _one_hash(self, package: Package) -> dict[str, str]:
        sums = [_sha256(file) for file in package.files]
        found = next((each for each in sums if each), "")
        if not found:
            self._faults.append(f"{package.name}: {_LOCK} has no SHA-256 sum of its file")
        return {"sha256": found}

    def _add_files(self, entry: dict[str, Any], package: Package) -> None:
        files = [
            {"name": str(file["file"]), "hashes": {"sha256": _sha256(file)}}
            for file in package.files
            if _sha256(file) and _belongs(str(file["file"]), package)
        ]
        wheels = [file for file in files if str(file["name"]).endswith(".whl")]
        # One is all a lock may name; archives other than .tar.gz are of the days before PEP 625.
        others = [file for file in files if file not in wheels]
        others.sort(key=lambda file: not str(file["name"]).endswith(".tar.gz"))
        if not files:
            self._faults.append(f"{package.name}: {_LOCK} has no SHA-256 sum of any file")
        if wheels:
            entry["wheels"] = wheels
        if others:
            entry["sdist"] = others[0]


def _sha256(file: Any) -> str:
    algorithm, _, digest = str(file["hash"]).partition(":")
    return digest if algorithm == "sha256" else ""


def _belongs(name: str, package: Package) -> bool:
    """Whether a file is one that installers take, of this very version.

    Locks before 2.0 have the files of all locked versions of a package in one list.
    """
    wanted = Version(str(package.version))
    try:
        if name.endswith(".whl"):
            return parse_wheel_filename(name)[1] == wanted
        if name.endswith((".tar.gz", ".zip")):
            return parse_sdist_filename(name)[1] == wanted
    except (InvalidSdistFilename, InvalidWheelFilename, InvalidVersion):
        # Named before there were rules for names: `spam-1.0-final.zip`.
        return str(package.version) in name
    return False


def _git(url: str) -> str:
    """The repository as an address; `git@host:path` is only known to git."""
    host, colon, path = url.partition(":")
    if "://" in url or not colon or "/" in host:
        # Poetry writes the host that `file:///…` has not as "None".
        return url.removeprefix("git+").replace("file://None/", "file:///", 1)
    return f"ssh://{host}/{path}"

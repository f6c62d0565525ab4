"""PDM's packages as entries of a pylock.toml (PEP 751)."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from typing import Any

from packaging.utils import canonicalize_name
from pdm.models.repositories import Package
from pdm.models.requirements import FileRequirement, VcsRequirement
from pdm.project import Project

from cnbkit import BuildContext
from cnbkit_lock_front_end.location import without_credentials
from cnbkit_lock_front_end.lock import checked
from cnbkit_lock_front_end.outside import outside

__all__ = ["Entries"]

_LOCK = "pdm.lock"


class Entries:
    """The packages of one environment.

    Args:
        ctx: the build.
        project: whose lock it is.
    """

    def __init__(self, ctx: BuildContext, project: Project) -> None:
        self._app = ctx.app
        self._root = ctx.app.root
        self._found: dict[str, dict[str, Any]] = {}
        self._faults: list[str] = []
        # The lock does not say which one a package is from.
        self._sources: list[dict[str, Any]] = list(project.pyproject.settings.get("source", []))
        shared = [str(each.get("name")) for each in self._sources if self._is_unclaimed(each)]
        if shared:
            ctx.log.warning(
                f"{_LOCK} does not say which packages are from {', '.join(shared)}: name them "
                "with include_packages, or lock with `pdm lock --strategy static_urls`"
            )

    @staticmethod
    def _is_unclaimed(source: dict[str, Any]) -> bool:
        return source.get("name") != "pypi" and not source.get("include_packages")

    def add(self, package: Package) -> None:
        """Add a package; the same one again, with extras, changes nothing."""
        name = str(canonicalize_name(package.candidate.req.key or package.candidate.name or ""))
        entry = self._entry(name, package)
        if self._found.setdefault(name, entry) != entry:
            self._fault(f"{name}: two versions for one environment")

    def _fault(self, text: str) -> None:
        # A package with extras is there twice.
        if text not in self._faults:
            self._faults.append(text)

    def add_project(self, name: str) -> None:
        """Add the app itself, its code where it is."""
        self._found[name] = {"name": name, "directory": {"path": self._root, "editable": True}}

    def checked(self) -> list[dict[str, Any]]:
        """All entries by name.

        Raises:
            UserFault: naming every package that cannot be installed.
        """
        return checked(self._found, self._faults, _LOCK, "pdm lock")

    def _entry(self, name: str, package: Package) -> dict[str, Any]:
        requirement = package.candidate.req
        entry: dict[str, Any] = {"name": name}
        if isinstance(requirement, VcsRequirement):
            commit = str(requirement.revision or "")
            if requirement.vcs != "git" or not commit:
                kept = f"it is kept in {requirement.vcs}, and only git is known"
                self._fault(f"{name}: {'no commit is locked' if not commit else kept}")
            entry["vcs"] = {
                "type": requirement.vcs,
                "url": without_credentials(requirement.repo),
                "commit-id": commit,
            }
            if requirement.ref:
                entry["vcs"]["requested-revision"] = requirement.ref
            if requirement.subdirectory:
                entry["vcs"]["subdirectory"] = requirement.subdirectory
            return entry
        if isinstance(requirement, FileRequirement):
            return {**entry, **self._place(name, requirement, package)}
        entry["version"] = str(package.candidate.version)
        index = self._index(name)
        if index:
            entry["index"] = without_credentials(index)
        files = _files(package)
        wheels = [each for each in files if str(each["name"]).endswith(".whl")]
        others = [each for each in files if each not in wheels]
        if not files:
            self._fault(f"{name}: {_LOCK} has no SHA-256 sum of any file")
        if wheels:
            entry["wheels"] = wheels
        if others:
            entry["sdist"] = others[0]
        return entry

    def _place(self, name: str, requirement: FileRequirement, package: Package) -> dict[str, Any]:
        place: dict[str, Any] = {}
        if requirement.path:
            path = os.path.normpath(os.path.join(self._root, requirement.path))
            if fault := outside(self._app, path, "pyproject.toml", _LOCK):
                raise fault
            if not os.path.exists(path):
                shown = os.path.relpath(path, self._root)
                self._fault(f"{name}: there is no {shown}")
            place["path"] = path
            if os.path.isdir(path):
                place["editable"] = bool(requirement.editable)
        else:
            place["url"] = without_credentials(requirement.get_full_url())
        if requirement.subdirectory:
            place["subdirectory"] = requirement.subdirectory
        if "editable" in place:
            return {"directory": place}
        sums = [each["hashes"] for each in _files(package)]
        if not sums:
            self._fault(f"{name}: {_LOCK} has no SHA-256 sum of its file")
        return {"archive": {**place, "hashes": sums[0] if sums else {}}}

    def _index(self, name: str) -> str:
        """The address of the source that claims a package; empty for the default one."""
        for source in self._sources:
            if any(
                fnmatchcase(name, _pattern(each)) for each in source.get("include_packages", [])
            ):
                return str(source.get("url", ""))
        own = (source for source in self._sources if source.get("name") == "pypi")
        return str(next(own, {}).get("url", ""))


def _pattern(text: str) -> str:
    return str(text).lower().replace("_", "-").replace(".", "-")


def _files(package: Package) -> list[dict[str, Any]]:
    """Those with a SHA-256 sum."""
    found = []
    for given in package.candidate.hashes:
        algorithm, _, digest = given["hash"].partition(":")
        url = given.get("url", "")
        name = given.get("file") or url.partition("#")[0].rpartition("/")[2]
        file: dict[str, Any] = {"name": name, "hashes": {"sha256": digest}}
        if url:
            file["url"] = without_credentials(url)
        if algorithm == "sha256":
            found.append(file)
    return found

"""The packages of some groups in a lock that does not say which package is for which group.

PDM writes that since 2.11 (`inherit_metadata`). Before, its resolver went from the project's own
requirements through those of the locked packages; so does this, of the lock alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from packaging.markers import Marker
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version
from pdm.models.repositories import LockedRepository, Package
from pdm.models.requirements import Requirement, parse_line

__all__ = ["reached", "with_files"]


def reached(
    locked: LockedRepository, wanted: Iterable[Requirement], target: dict[str, str | set[str]]
) -> list[Package]:
    """What the requirements need on the target, each package once.

    Args:
        locked: the packages of the lock.
        wanted: the project's requirements, of all groups that are wanted.
        target: what markers are evaluated for.

    Raises:
        KeyError: the lock lacks a package; names it.
    """
    by_name: dict[str, list[Package]] = {}
    for key, package in locked.packages.items():
        by_name.setdefault(key[0], []).append(package)
    waiting, found = deque(wanted), dict[int, Package]()
    while waiting:
        requirement = waiting.popleft()
        if not _is_for(requirement, target):
            continue
        package = _chosen(requirement, by_name.get(requirement.identify(), []), target)
        if id(package) not in found:
            found[id(package)] = package
            waiting.extend(parse_line(each) for each in package.dependencies or [])
    return [*found.values()]


def with_files(document: dict[str, Any]) -> dict[str, Any]:
    """A lock whose packages have their files: up to lock_version 4.2 a table has them."""
    table = document.get("metadata", {}).get("files", {})
    for package in document.get("package", []):
        files = table.get(f"{package.get('name')} {package.get('version')}", [])
        if files and not package.get("files"):
            package["files"] = [
                {"file": each.get("file") or each["url"].rpartition("/")[2], "hash": each["hash"]}
                for each in files
            ]
    return document


def _is_for(requirement: Requirement, target: dict[str, str | set[str]]) -> bool:
    marker = str(requirement.marker or "")
    return not marker or Marker(marker).evaluate({**target, "extra": ""})


def _chosen(
    requirement: Requirement, packages: list[Package], target: dict[str, str | set[str]]
) -> Package:
    """The newest that fits, of the versions for several Pythons that a lock may have."""
    fitting = [each for each in packages if _fits(requirement, each, target)]
    if not fitting:
        raise KeyError(f"the lock has no {requirement.as_line()}")
    return max(fitting, key=lambda each: _version(each))


def _fits(requirement: Requirement, package: Package, target: dict[str, str | set[str]]) -> bool:
    candidate = package.candidate
    try:
        pythons = SpecifierSet(str(candidate.requires_python or ""))
    except InvalidSpecifier:  # of old packages; who resolved has passed it over
        pythons = SpecifierSet()
    if not pythons.contains(str(target["python_full_version"]), prereleases=True):
        return False
    if not _is_for(candidate.req, target):
        return False
    if not requirement.is_named or not candidate.version:
        return True
    return requirement.specifier.contains(candidate.version, prereleases=True)


def _version(package: Package) -> Version:
    try:
        return Version(str(package.candidate.version))
    except InvalidVersion:
        return Version("0")

"""Known vulnerabilities, from a dump in the format of the Open Source Vulnerabilities project."""

from __future__ import annotations

import json
import zipfile
from typing import Any

from cnbkit import Binding, UserFault
from cnbkit_policy.package import Package
from cnbkit_python_inputs.requirements import normalised

__all__ = ["Vulnerability", "vulnerabilities"]

# What documents of any other shape lead to.
_BROKEN = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
_WORDS = {"MEDIUM": "MODERATE"}


class Vulnerability:
    """One that a package has.

    Attributes:
        package: which.
        ids: its names, its own first.
        severity: low, moderate, high or critical; empty if it is not rated.
        summary: one line.
        fixed: the versions without it.
    """

    def __init__(self, package: Package, entry: dict[str, Any], fixed: list[str]) -> None:
        self.package = package
        self.ids = [str(entry.get("id", "")), *map(str, entry.get("aliases", []))]
        rated = str((entry.get("database_specific") or {}).get("severity") or "").upper()
        self.severity = _WORDS.get(rated, rated).lower()
        self.summary = str(entry.get("summary") or entry.get("details") or "").split("\n")[0][:120]
        self.fixed = fixed


def vulnerabilities(binding: Binding, packages: list[Package]) -> list[Vulnerability]:
    """Those that the packages have.

    Args:
        binding: its entries are JSON files, or ZIP archives of such, like the whole of an
            ecosystem.
        packages: with their versions.

    Raises:
        UserFault: an entry is neither.
    """
    by_name = {each.name: each for each in packages if each.version}
    found: dict[tuple[str, str], Vulnerability] = {}
    for name in sorted(binding.keys()):
        try:
            for entry in _entries(binding.file(name)):
                for each in _of(entry, by_name):
                    found[each.package.name, each.ids[0]] = each
        except (OSError, zipfile.BadZipFile, *_BROKEN) as error:
            raise UserFault(
                f"{name} of the binding {binding.name} is not an OSV dump: {error}",
                where=f"binding {binding.name}",
                remedy="give it JSON files in the OSV format, or ZIP archives of them",
            ) from None
    return [found[key] for key in sorted(found)]


def _entries(path: str) -> list[dict[str, Any]]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".json")]
            documents = [json.loads(archive.read(name)) for name in names]
    else:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        documents = document if isinstance(document, list) else [document]
    return documents


def _of(entry: dict[str, Any], by_name: dict[str, Package]) -> list[Vulnerability]:
    if entry.get("withdrawn"):
        return []
    found = []
    for affected in entry.get("affected", []):
        about = affected.get("package") or {}
        package = by_name.get(normalised(str(about.get("name", ""))))
        if package is None or about.get("ecosystem") != "PyPI":
            continue
        ranges = [each for each in affected.get("ranges", []) if each.get("type") == "ECOSYSTEM"]
        listed = package.version in affected.get("versions", [])
        if listed or any(_in_range(package.version, each["events"]) for each in ranges):
            fixed = [e["fixed"] for each in ranges for e in each["events"] if "fixed" in e]
            found.append(Vulnerability(package, entry, fixed))
    return found


def _in_range(version: str, events: list[dict[str, str]]) -> bool:
    """Whether a version is between an introduction and what ends it, by the schema's algorithm."""
    from packaging.version import InvalidVersion, Version

    try:
        mine = Version(version)
        points = []
        for event in events:
            for kind, text in event.items():
                points.append((Version("0.dev0" if text == "0" else text), kind))
    except InvalidVersion:
        return False
    affected = False
    for at, kind in sorted(points, key=lambda point: point[0]):
        if kind == "introduced" and mine >= at:
            affected = True
        elif (kind == "fixed" and mine >= at) or (kind == "last_affected" and mine > at):
            affected = False
    return affected

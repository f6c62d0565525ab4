"""Reading a pylock.toml (PEP 751): which packages, and from which of their files."""

from __future__ import annotations

import os
import tomllib
from typing import Any

from cnbkit import UserFault
from cnbkit_python_inputs.line import normalised
from cnbkit_python_inputs.package import Package
from cnbkit_python_inputs.target import TargetEnvironment

__all__ = ["read_entries", "select"]


def read_entries(path: str, where: str) -> dict[str, Any]:
    """A lock as a document, with absolute paths in its packages.

    Args:
        path: the file.
        where: what errors call it.

    Raises:
        UserFault: it is not TOML, or no lock.
    """
    try:
        with open(path, "rb") as file:
            document = tomllib.load(file)
    except (ValueError, RecursionError) as error:  # huge numbers, deep nesting
        raise UserFault(
            f"{where} is not TOML: {error}", where=where, remedy="lock the dependencies again"
        ) from None
    packages = document.get("packages")
    if not isinstance(packages, list) or not all(isinstance(each, dict) for each in packages):
        raise UserFault(
            f"{where} has no [[packages]]",
            where=where,
            remedy="lock the dependencies again; the format is PEP 751's",
        )
    folder = os.path.dirname(path)
    document["packages"] = [_with_absolute_paths(entry, folder) for entry in packages]
    return document


def select(
    document: dict[str, Any],
    target: TargetEnvironment,
    where: str,
    *,
    extras: tuple[str, ...] = (),
    groups: tuple[str, ...] = (),
    where_exist: tuple[str, ...] = (),
) -> list[Package]:
    """The packages an environment gets, each with the one file that fits it best.

    Args:
        document: the lock.
        target: the environment.
        where: what errors call the lock.
        extras: of the project, besides none.
        groups: dependency groups, besides the default ones.
        where_exist: groups to add if the lock has them.

    Raises:
        UserFault: the lock breaks the format's rules, does not know an extra or group, or has
            nothing for this environment.
    """
    from packaging.pylock import Pylock, PylockSelectError, PylockValidationError

    try:
        lock = Pylock.from_dict(document)
    except PylockValidationError as error:
        raise UserFault(
            f"{where} is not a lock: {error}",
            where=where,
            remedy="lock the dependencies again; the format is PEP 751's",
        ) from None
    extras = _known(where, "extra", extras, lock.extras)
    groups = _known(where, "dependency group", groups, lock.dependency_groups)
    tests = [name for name in lock.dependency_groups or () if normalised(name) in where_exist]
    try:
        chosen = list(
            lock.select(
                environment=target.markers,
                tags=target.tags,
                extras=extras,
                dependency_groups=[*(lock.default_groups or ()), *groups, *tests],
            )
        )
    except PylockSelectError as error:
        raise UserFault(
            f"{where} does not fit Python {target.markers['python_full_version']} on "
            f"{target.markers['platform_machine']}: {error}",
            where=where,
            remedy="lock for this Python and platform, or set BP_PYTHON_VERSION to one it has",
        ) from None
    places = {id(package): place for place, package in enumerate(lock.packages)}
    entries = document["packages"]
    return [
        Package(_of_one_file(entries[places[id(package)]], getattr(artifact, "hashes", None)))
        for package, artifact in chosen
    ]


def _known(where: str, what: str, wanted: tuple[str, ...], known: Any) -> tuple[str, ...]:
    """Names in the lock's own spelling; theirs is one by PEP 685 and 735."""
    names = {normalised(name): str(name) for name in known or ()}
    unknown = [name for name in wanted if normalised(name) not in names]
    if unknown:
        has = f"it has {', '.join(known)}" if known else "it has none"
        raise UserFault(
            f"{where} has no {what} {', '.join(unknown)}",
            where="BP_PYTHON_EXTRAS" if what == "extra" else "BP_PYTHON_GROUPS",
            remedy=f"correct the name ({has}), or lock with it",
        )
    return tuple(names[normalised(name)] for name in wanted)


def _of_one_file(entry: dict[str, Any], hashes: Any) -> dict[str, Any]:
    """An entry without the files that were not chosen, markers and notes."""
    kept = ("name", "version", "index", "vcs", "directory", "archive")
    result = {name: entry[name] for name in kept if name in entry}
    wheels = [each for each in entry.get("wheels", []) if each.get("hashes") == hashes]
    if wheels:
        result["wheels"] = wheels[:1]
    elif "sdist" in entry and entry["sdist"].get("hashes") == hashes:
        result["sdist"] = entry["sdist"]
    return result


def _with_absolute_paths(entry: dict[str, Any], folder: str) -> dict[str, Any]:
    """Paths in a lock are relative to it; the layers' own locks lie elsewhere."""

    def absolute(source: Any) -> Any:
        if not isinstance(source, dict) or not isinstance(source.get("path"), str):
            return source
        return {**source, "path": os.path.normpath(os.path.join(folder, source["path"]))}

    result = dict(entry)
    for kind in ("archive", "directory", "vcs", "sdist"):
        if kind in entry:
            result[kind] = absolute(entry[kind])
    if isinstance(entry.get("wheels"), list):
        result["wheels"] = [absolute(each) for each in entry["wheels"]]
    return result

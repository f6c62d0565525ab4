"""From what is wanted to packages with one file each."""

from __future__ import annotations

import os
from typing import Any

from cnbkit import UserFault
from cnbkit_pip.engines.engine import Engine, Wanted
from cnbkit_pip.exposed import without_logins
from cnbkit_pip.resolution.pins import without_addresses
from cnbkit_python_inputs.lock import read_entries, select
from cnbkit_python_inputs.package import Package
from cnbkit_python_inputs.requirements import normalised
from cnbkit_python_inputs.target import TargetEnvironment
from cnbkit_python_inputs.wanted import Locked

__all__ = ["kept_lock", "read_locked", "resolve"]

# What engines keep of a resolution: the lock, pip-compile's own form of it, and the one for
# the hardware.
_KEPT = ("pylock.toml", "requirements.lock", "pylock.hardware.toml")


def kept_lock(directory: str, refresh: str) -> str:
    """Path of the lock of the last resolution, which a new value of BP_PIP_REFRESH removes."""
    word = f"{directory}/refresh"
    last = ""
    if os.path.exists(word):
        with open(word, encoding="utf-8") as file:
            last = file.read()
    for name in _KEPT if last != refresh else ():
        if os.path.exists(f"{directory}/{name}"):
            os.unlink(f"{directory}/{name}")
    with open(word, "w", encoding="utf-8") as file:
        file.write(refresh)
    return f"{directory}/{_KEPT[0]}"


def resolve(engine: Engine, wanted: Wanted, target: TargetEnvironment, lock: str) -> list[Package]:
    """Lock what is wanted.

    Args:
        engine: resolves.
        wanted: requirements or a project.
        target: what the packages have to fit.
        lock: path of the pylock.toml to write; one that is there keeps its versions where
            the requirements still allow them.

    Raises:
        UserFault: the requirements are at fault; names file and line.
        PlatformFault: the index cannot be reached, or the disk is full.
    """
    engine.lock(wanted, lock)
    where = str(wanted)
    entries = read_entries(lock, where)
    _without_logins(os.path.dirname(lock))
    document = engine.complete(_with_allowed_hashes(entries, wanted), where)
    return select(document, target, where)


def _without_logins(directory: str) -> None:
    """What is kept for the next build has no password: the cache is not the place for one."""
    for name in _KEPT:
        path = f"{directory}/{name}"
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as file:
            text = file.read()
        plain = without_logins(text)
        if plain != text:
            with open(path, "w", encoding="utf-8") as file:
                file.write(plain)


def read_locked(
    engine: Engine, locked: Locked, target: TargetEnvironment, *, mirrored: bool
) -> list[Package]:
    """The packages of a lock.

    Args:
        engine: finds files that the lock gives no address of.
        locked: the lock.
        target: what the packages have to fit.
        mirrored: whether an index stands in for the public one. Then its files are taken, by
            the lock's hashes, and not those of the addresses the lock was made with.

    Raises:
        UserFault: the lock is broken, does not fit, or names what the index does not have.
        PlatformFault: the index cannot be reached.
    """
    document = read_entries(locked.path, locked.name)
    if mirrored:
        document = without_addresses(document)
    document = engine.complete(document, locked.name)
    return select(document, target, locked.name, extras=locked.extras, groups=locked.groups)


def _with_allowed_hashes(document: dict[str, Any], wanted: Wanted) -> dict[str, Any]:
    allowed = wanted.allowed_hashes()
    if not allowed:
        return document
    entries = []
    for entry in document["packages"]:
        package = Package(entry)
        if package.name not in allowed:
            raise UserFault(
                f"{package.name} {package.version} has no --hash, but other requirements have",
                where=wanted.where(package.name),
                remedy="give every package its hashes, as `uv pip compile --generate-hashes` "
                "does, or none",
            )
        restricted = package.restricted_to(allowed[normalised(package.name)])
        if not restricted.artifacts():
            raise UserFault(
                f"no file of {package.name} {package.version} in the index has an allowed hash",
                where=wanted.where(package.name),
                remedy="lock again if the new files are wanted; if nothing was changed on "
                "purpose, the index may have been tampered with",
            )
        entries.append(restricted.entry)
    return {**document, "packages": entries}

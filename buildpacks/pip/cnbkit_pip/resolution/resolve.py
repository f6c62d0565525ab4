"""From what is wanted to packages with one file each."""

from __future__ import annotations

import os

from cnbkit_pip.engines.engine import Engine, Wanted
from cnbkit_pip.resolution.hashes import restricted
from cnbkit_pip.resolution.pins import without_addresses
from cnbkit_python_inputs.lock import read_entries, select
from cnbkit_python_inputs.package import Package
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
    document = engine.complete(restricted(read_entries(lock, where), wanted), where)
    return select(document, target, where)


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

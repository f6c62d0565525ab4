"""The lock that a front-end hands to pip (PEP 751)."""

from __future__ import annotations

from typing import Any

import tomli_w

from cnbkit import Log, UserFault
from cnbkit_lock_front_end import Selection

__all__ = ["checked", "write_lock"]


def checked(
    found: dict[str, dict[str, Any]], faults: list[str], lock: str, relock: str
) -> list[dict[str, Any]]:
    """All entries by name.

    Args:
        found: entries by the packages' names.
        faults: what is wrong with packages, one sentence each.
        lock: the tool's lock.
        relock: the command that makes it.

    Raises:
        UserFault: naming every package that cannot be installed.
    """
    if faults:
        many = len(faults) > 1
        raise UserFault(
            f"{len(faults)} packages cannot be installed: {'; '.join(faults[:3])}"
            + (f" and {len(faults) - 3} more" if len(faults) > 3 else "")
            if many
            else f"{faults[0]}, so it cannot be installed",
            where=lock,
            remedy=f"run `{relock}` and commit {lock} with all that it names",
            detail="\n".join(faults) if many else None,
        )
    return [found[name] for name in sorted(found)]


def write_lock(path: str, maker: str, packages: list[dict[str, Any]], selection: Selection) -> str:
    """Write a pylock.toml, and say for the log what is in it.

    Args:
        path: of the file.
        maker: the buildpack's id.
        packages: its entries.
        selection: what they were taken for.
    """
    document = {"lock-version": "1.0", "created-by": maker, "packages": packages}
    with open(path, "wb") as file:
        tomli_w.dump(document, file)
    return f"{Log.counted(len(packages), 'package')} for Python {selection.python}{selection}"

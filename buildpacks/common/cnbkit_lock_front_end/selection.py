"""Names a user asks for, beside the names a lock has."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cnbkit import UserFault

__all__ = ["known", "normalised"]


def known(
    asked: Sequence[str], there: Sequence[str], what: str, setting: str, lock: str
) -> list[str]:
    """What is asked for, in the lock's own spelling.

    Args:
        asked: names as the user wrote them.
        there: names the lock has.
        what: "group", "extra" or "member".
        setting: where the user wrote them.
        lock: what to call the lock.

    Raises:
        UserFault: one is not there; names all such.
    """
    names = {normalised(name): name for name in there}
    unknown = [name for name in asked if normalised(name) not in names]
    if unknown:
        raise UserFault(
            f"{lock} has no {what} {', '.join(unknown)}",
            where=setting,
            remedy=f"take one of these: {', '.join(there)}" if there else f"unset {setting}",
        )
    return list(dict.fromkeys(names[normalised(name)] for name in asked))


def normalised(name: str) -> str:
    """A name in its one spelling (PEP 685, PEP 735)."""
    return re.sub(r"[-_.]+", "-", name).lower()

"""The name that was probably meant, of those that many apps use."""

from __future__ import annotations

import os

__all__ = ["nearest_names"]


def nearest_names(name: str) -> list[str]:
    """Up to three, the nearest first; none if none is near.

    An index does not say what is like a name. known-names.txt has the ones people mistype most,
    being used most; it is not a list of what may be installed.
    """
    import difflib

    path = os.path.join(os.path.dirname(__file__), "known-names.txt")
    with open(path, encoding="ascii") as file:
        return difflib.get_close_matches(name, file.read().split(), n=3, cutoff=0.8)

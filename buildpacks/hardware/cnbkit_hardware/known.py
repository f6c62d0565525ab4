"""Words that other buildpacks beside this one serve, as their descriptors say."""

from __future__ import annotations

import os

__all__ = ["words_of_others"]

_KEY = "hardware = ["


def words_of_others(buildpack: str) -> set[str]:
    """What `hardware` in `[metadata.cnbkit]` lists, in descriptors beside a buildpack's own.

    Read without a TOML parser: detect has no time for one.

    Args:
        buildpack: its folder: `/cnb/buildpacks/<id>/<version>` in a builder.
    """
    found: set[str] = set()
    for folder in _folders(buildpack):
        try:
            with open(f"{folder}/buildpack.toml", encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError:
            continue
        for part in f"\n{text}".split(f"\n{_KEY}")[1:]:
            listed = part.partition("]")[0].replace("\n", ",").split(",")
            found.update(each.strip().strip("\"'") for each in listed)
    return found - {""}


def _folders(buildpack: str) -> list[str]:
    """A builder has a folder for each version below one for the id; a checkout has not."""
    versions = os.path.dirname(buildpack)
    above = os.path.dirname(versions)
    places = [f"{above}/{name}" for name in _names(above)]
    beside = [f"{versions}/{name}" for name in _names(versions)]
    return [*beside, *(f"{place}/{name}" for place in places for name in _names(place))]


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []

"""Variables of a build that no buildpack reads: misspelt, or another builder's."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from cnbkit_engine.build.secret_files import SETTING
from cnbkit_engine.builder.settings import FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["unknown_settings"]

# Read by the engine, or set by it for whoever reads them.
_OWN = {SETTING, "BP_OCI_REVISION", "BP_OCI_SOURCE", "BP_OCI_VERSION", "BP_OCI_MODIFIED"}
_CLOSE = 0.8  # of difflib's ratio


def unknown_settings(sources: Mapping[str, Iterable[str]], builder: Path) -> Iterator[str]:
    """A warning for each variable that looks like a buildpack's and is none.

    What only begins like one and resembles none may be for the app's own scripts.

    Args:
        sources: names of variables by where they come from: `--env`, `project.toml`.
        builder: the folder with assembled buildpacks.
    """
    told = (builder / FILE).read_text(encoding="ascii").split()
    known = sorted({*told, *_OWN})
    for source, names in sources.items():
        for name in names:
            if name in known or not name.upper().startswith(("BP_", "BP-", "BPL_", "BPL-")):
                continue
            nearest = _nearest(name.upper().replace("-", "_"), known)
            if nearest:
                yield (
                    f"Warning: no buildpack of the builder reads {name}, from {source}; "
                    f"the nearest is {nearest}"
                )


def _nearest(name: str, known: list[str]) -> str:
    found = get_close_matches(name, known, 1, _CLOSE)
    if not found:
        # BP_PIP_…: where others of that family are read, it is meant for the same buildpack.
        family = "_".join(name.split("_")[:2]) + "_"
        found = get_close_matches(name, [each for each in known if each.startswith(family)], 1, 0)
    return found[0] if found else ""

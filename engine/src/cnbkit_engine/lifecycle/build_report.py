"""What buildpacks made with the SDK say, for a platform that looks, of the build they have done."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from cnbkit.build_report import REPEATABLE, REPORT
from cnbkit_engine.state.beneath import Folder, Unfit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["all_repeatable", "layer_reports"]

_LIMIT = 1 << 20  # bytes
_GROUP_LIMIT = 64 << 20


def layer_reports(buildpack: Folder) -> Iterator[tuple[str, str, str]]:
    """What a buildpack says of its layers: name, "rebuild", "keep" or "reuse", and why.

    Args:
        buildpack: its folder of layers.
    """
    for kind, *fields in _lines(buildpack):
        if kind == "layer" and len(fields) == 3:
            yield fields[0], fields[1], fields[2]


def all_repeatable(layers: Path) -> bool:
    """Whether every buildpack of a build says that it would do the same again.

    Args:
        layers: the folder that was the exporter's `/layers`.
    """
    with Folder(layers) as top:
        group = tomllib.loads(top.read("group.toml", _GROUP_LIMIT).decode())
        if group.get("group-extensions"):
            return False
        for member in group["group"]:
            name = member["id"].replace("/", "_")
            if not top.is_folder(name):
                return False
            with top.folder(name) as folder:
                if [REPEATABLE] not in _lines(folder):
                    return False
    return True


def _lines(buildpack: Folder) -> list[list[str]]:
    """The report's lines; none of another kind of buildpack, or if it cannot be read."""
    try:
        text = buildpack.read(REPORT, _LIMIT).decode(errors="replace")
    except (Unfit, OSError):
        return []
    return [line.split("\t") for line in text.splitlines()]

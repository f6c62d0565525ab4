"""The launch layers that a build left contents of, which the exporter would archive."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnbkit_engine.lifecycle.build_report import layer_reports
from cnbkit_engine.state.beneath import Unfit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnbkit_engine.lifecycle.handover import Member
    from cnbkit_engine.state.beneath import Folder

__all__ = ["LaunchLayer", "launch_layers"]

_LIMIT = 64 << 20  # bytes of a layer's own document
_NOT_LAYERS = {"build.toml", "launch.toml", "store.toml"}


@dataclass(frozen=True)
class LaunchLayer:
    """A layer of the image to be.

    Args:
        buildpack: whose it is.
        name: its name.
        cached: whether it goes into the cache as well, and so keeps its contents.
        kept: whether the buildpack says that its contents are the previous image's.
    """

    buildpack: Member
    name: str
    cached: bool
    kept: bool

    @property
    def identifier(self) -> str:
        """As the lifecycle names it: `cnbkit/pip:site`."""
        return f"{self.buildpack.id}:{self.name}"

    @property
    def place(self) -> str:
        """Its folder, below the layers folder."""
        return f"{self.buildpack.folder}/{self.name}"


def launch_layers(layers: Folder, group: Sequence[Member]) -> list[LaunchLayer]:
    """Those that have contents.

    What cannot be read is left out: the exporter complains of it.

    Args:
        layers: the folder that will be the exporter's `/layers`.
        group: the buildpacks.
    """
    found = []
    for member in group:
        if not layers.is_folder(member.folder):
            continue
        with layers.folder(member.folder) as folder:
            names = folder.names()
            there = [
                name.removesuffix(".toml")
                for name in names
                if name.endswith(".toml") and name not in _NOT_LAYERS
            ]
            there = [name for name in there if name in names and folder.is_folder(name)]
            if not there:
                continue
            kept = {name for name, state, _ in layer_reports(folder) if state == "keep"}
            for name in there:
                types = _types(folder, name)
                if types.get("launch") is True:
                    cached = bool(types.get("cache"))
                    found.append(LaunchLayer(member, name, cached, cached and name in kept))
    return found


def _types(folder: Folder, name: str) -> dict[str, Any]:
    try:
        types = tomllib.loads(folder.read(f"{name}.toml", _LIMIT).decode()).get("types")
    except (ValueError, Unfit, OSError, RecursionError):
        return {}
    return types if isinstance(types, dict) else {}

"""A changed builder.toml, kept in the state folder: what it names is where it was."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.spec.builder import BuilderBuildpack, BuilderDescriptor
    from cnbkit_engine.state.home import Home

__all__ = ["kept_elsewhere"]


def kept_elsewhere(home: Home, builder: Path, changed: BuilderDescriptor) -> Path:
    """Write a changed builder; returns its path.

    Args:
        home: gets it.
        builder: the builder.toml that it comes from.
        changed: what it says now, paths as in that one.
    """

    def from_anywhere(each: BuilderBuildpack) -> BuilderBuildpack:
        return each.replace(uri=_absolute(each.uri, builder)) if each.uri else each

    lifecycle = changed.lifecycle
    if lifecycle and lifecycle.uri:
        lifecycle = lifecycle.replace(uri=_absolute(lifecycle.uri, builder))
    made = changed.replace(
        buildpacks=[from_anywhere(each) for each in changed.buildpacks],
        extensions=[from_anywhere(each) for each in changed.extensions],
        lifecycle=lifecycle,
    )
    data = made.dumps().encode()
    path = home.root / "project-builders" / hashlib.sha256(data).hexdigest()[:32] / builder.name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return path


def _absolute(uri: str, builder: Path) -> str:
    return uri if ":" in uri else str((builder.parent / uri).resolve())

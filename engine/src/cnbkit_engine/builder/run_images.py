"""The run images a builder names: what /cnb/run.toml says, and which of it fits an app."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cnbkit_engine.spec.builder import BuilderDescriptor

__all__ = ["FILE", "read_run_images", "run_images"]

FILE = "run.toml"
"""In a builder's folder: what /cnb/run.toml says."""


def run_images(builder: BuilderDescriptor) -> list[dict[str, Any]]:
    """`image` and `mirrors` of each run image in builder.toml; those of `[stack]` count last."""
    if builder.run and builder.run.images:
        return [{"image": each.image, "mirrors": each.mirrors} for each in builder.run.images]
    if builder.stack and builder.stack.run_image:
        return [{"image": builder.stack.run_image, "mirrors": builder.stack.run_image_mirrors}]
    return []


def read_run_images(folder: Path) -> Sequence[dict[str, Any]]:
    """The same of a builder that has been assembled.

    Args:
        folder: as `ensure_builder` makes it.
    """
    try:
        text = (folder / FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    found: Sequence[dict[str, Any]] = tomllib.loads(text).get("images", [])
    return found

"""A layer as a build left it, and where a build's files are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnbkit.layer.env import LayerEnv

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Place", "ResultLayer"]


@dataclass
class Place:
    """Where a build's files are.

    Every build of an app happens in the same directory, as it does in an image: layers hold
    their own absolute path. So the next build moves the files of the last one away.

    Attributes:
        official: the directory as the build knew it.
        actual: where its files are now.
    """

    official: Path
    actual: Path

    def official_text(self, text: str) -> str:
        """Text with the paths the build knew."""
        return text.replace(str(self.actual), str(self.official))


@dataclass(frozen=True)
class ResultLayer:
    """A layer as a build left it.

    Args:
        name: its name.
        state: "rebuild", "keep" or "reuse".
        why: the reasons for a rebuild, as the author's block saw them.
        table: its toml.
        path: where its contents are; for a reused layer, those of the build that made it.
    """

    name: str
    state: str
    why: list[str]
    table: Mapping[str, Any]
    path: Path

    @property
    def types(self) -> set[str]:
        """Of "build", "launch" and "cache", those it is."""
        return {name for name, value in self.table.get("types", {}).items() if value}

    @property
    def metadata(self) -> dict[str, Any]:
        """All of its `[metadata]`."""
        return dict(self.table.get("metadata", {}))

    @property
    def key(self) -> dict[str, Any]:
        """The fields of its `LayerKey` declared with `key`."""
        return dict(self.metadata.get("key", {}))

    @property
    def notes(self) -> dict[str, Any]:
        """The fields of its `LayerKey` declared with `note`."""
        return dict(self.metadata.get("note", {}))

    @property
    def files(self) -> list[str]:
        """Names of its files and links, relative to it."""
        return sorted(
            path.relative_to(self.path).as_posix()
            for path in self.path.rglob("*")
            if path.is_symlink() or not path.is_dir()
        )

    @property
    def env(self) -> LayerEnv:
        """The environment it provides."""
        return LayerEnv.read(str(self.path))

    def text(self, name: str) -> str:
        """Contents of one of its files."""
        return (self.path / name).read_text(encoding="utf-8")

"""Where COPY and ADD put what a context has, by Docker's rules."""

from __future__ import annotations

import posixpath
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Copy"]


class Copy:
    """One instruction's sources and target.

    A folder gives what is in it, a file itself. Below a target that is a folder (it ends in a
    slash, or there are several sources) a file keeps its name.

    Args:
        target: absolute path in the image.
        sources: paths and patterns in the context; `*` ends at a slash.

    Attributes:
        missing: sources that nothing has fitted yet.
    """

    def __init__(self, target: str, sources: Sequence[str]) -> None:
        self._target = posixpath.normpath(target)
        self._sources = [posixpath.normpath(f"/{each}").strip("/") for each in sources]
        wild = any(set(each) & set("*?[") for each in sources)
        self._folder = target.endswith("/") or len(sources) > 1 or wild
        self.missing = list(sources)
        self._written = list(sources)

    def places(self, path: str, *, folder: bool) -> Iterator[str]:
        """Where a file or folder of the context comes to lie.

        Args:
            path: in the context.
            folder: whether it is one.
        """
        for source, written in zip(self._sources, self._written, strict=True):
            below = _below(path, source)
            if below is None:
                continue
            if written in self.missing:
                self.missing.remove(written)
            if not below and folder:
                below = "."  # the target itself, which is not a copy of the source
            elif not below and self._folder:
                below = posixpath.basename(path)
            yield posixpath.join(self._target, below) if below else self._target


def _below(path: str, source: str) -> str | None:
    """A path below what a source names, empty for itself; None if it is not there."""
    if not source:
        return path
    parts, asked = path.split("/"), source.split("/")
    if len(parts) < len(asked):
        return None
    if all(fnmatchcase(part, ask) for part, ask in zip(parts, asked, strict=False)):
        return "/".join(parts[len(asked) :])
    return None

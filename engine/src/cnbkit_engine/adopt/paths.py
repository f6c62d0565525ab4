"""Where a Dockerfile's paths lie in the app, by what it copies where."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Paths", "context_of"]

_LEVELS = 4


class Paths:
    """Copies of the build context in the image.

    Args:
        context: folder that is built.
    """

    def __init__(self, context: Path) -> None:
        self.context = context
        self._copies: list[tuple[str, str]] = []

    def copy(self, sources: Sequence[str], target: str, workdir: str) -> None:
        """Note a COPY.

        Args:
            sources: in the context.
            target: as it is written.
            workdir: what a relative target begins at.
        """
        into = posixpath.join(workdir, target)
        many = len(sources) > 1 or target.endswith("/") or target in (".", "./")
        for source in sources:
            clean = posixpath.normpath(source.lstrip("/") or ".")
            clean = "" if clean == "." else clean
            if not clean or (self.context / clean).is_dir():
                self._add(posixpath.normpath(into), clean)
            elif "*" in clean or "?" in clean:
                self._add(posixpath.normpath(into), posixpath.dirname(clean))
            else:
                place = posixpath.join(into, posixpath.basename(clean)) if many else into
                self._add(posixpath.normpath(place), clean)

    def _add(self, target: str, source: str) -> None:
        if (target, source) not in self._copies:
            self._copies.append((target, source))

    def of(self, path: str, workdir: str = "/") -> str | None:
        """The app's path of a path in the image; None if it is not copied from the app."""
        found = self.candidates(path, workdir)
        there = [each for each in found if (self.context / each).exists()]
        return there[0] if there else found[0] if found else None

    def candidates(self, path: str, workdir: str = "/") -> list[str]:
        """All paths of the app that may be meant, the last copy's first."""
        whole = posixpath.normpath(posixpath.join(workdir, path))
        found = []
        for target, source in reversed(self._copies):
            rest = _below(whole, target)
            if rest is not None:
                found.append(posixpath.join(source, rest) if rest else source)
            # A file of it was copied here, so the folder it lies in is this one.
            elif source and posixpath.basename(target) == posixpath.basename(source):
                folder = _below(posixpath.dirname(target), whole)
                above = posixpath.dirname(source)
                if folder == "":
                    found.append(above)
        return list(dict.fromkeys(found))

    def is_app(self, path: str, workdir: str = "/") -> bool:
        """Whether a path in the image is in a folder that the app is copied to."""
        whole = posixpath.normpath(posixpath.join(workdir, path))
        return bool(self.candidates(whole)) or any(
            _below(whole, posixpath.dirname(target)) is not None
            and posixpath.dirname(target) != "/"
            for target, _ in self._copies
        )


def context_of(dockerfile: Path, sources: Sequence[str]) -> Path:
    """The folder that a Dockerfile is built in: the nearest that has what it copies.

    Args:
        dockerfile: its path.
        sources: what it copies.
    """
    named = [source for source in sources if source.strip("./") and "*" not in source]
    folder = dockerfile.resolve().parent
    best, most = folder, -1
    for _ in range(_LEVELS):
        count = sum((folder / source.lstrip("/")).exists() for source in named)
        if count > most:
            best, most = folder, count
        if (folder / ".git").exists() or folder == folder.parent:
            break
        folder = folder.parent
    return best


def _below(path: str, above: str) -> str | None:
    """The rest of a path below another; empty if it is the same, None if it is elsewhere."""
    if path == above:
        return ""
    prefix = above if above.endswith("/") else f"{above}/"
    return path.removeprefix(prefix) if path.startswith(prefix) else None

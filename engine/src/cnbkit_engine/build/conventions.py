"""Files that other tools read from a repository, and what says the same here.

Somebody put them there for a reason. A build names those that nothing reads, so that nobody has
to find out from the image; and where nothing fits at all, they tell what the repository is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from cnbkit_engine.build.convention_table import CONVENTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from cnbkit_engine.build.convention_table import Convention

__all__ = ["Seen", "seen", "unused"]


@dataclass(frozen=True)
class Seen:
    """A convention that an app has.

    Args:
        convention: which.
        path: what was found, relative to the app's root.
        more: how many others fit the same name.
    """

    convention: Convention
    path: str
    more: int = 0

    @property
    def title(self) -> str:
        """What was found, and what it is."""
        others = f" and {self.more} more" if self.more else ""
        return f"{self.path}{others} ({self.convention.what})"

    @property
    def step(self) -> str:
        """What to do about it."""
        return self.convention.step.replace("{}", self.path)


def seen(paths: Iterable[str]) -> list[Seen]:
    """The conventions that an app has, in the order of `CONVENTIONS`.

    Args:
        paths: its files, relative to its root.
    """
    known = sorted(set(paths), key=lambda path: (path.count("/"), path))
    found = []
    for convention in CONVENTIONS:
        fits = [path for path in known if _is(convention, path)]
        if not fits or set(convention.instead) & set(known):
            continue
        if convention.name.endswith("/"):
            found.append(Seen(convention, convention.name))
        else:
            found.append(Seen(convention, fits[0], len(fits) - 1))
    return found


def unused(paths: Iterable[str], builder: Path) -> Iterator[str]:
    """A line for each convention of the app that no buildpack reads.

    Args:
        paths: its files, relative to its root.
        builder: the folder with assembled buildpacks.
    """
    found = [each for each in seen(paths) if not each.convention.read]
    looked_for = _looked_for(builder / "buildpacks") if found else ""
    for each in found:
        name = re.escape(each.convention.name)
        if not re.search(rf"(?<![\w./-]){name}(?![\w.-])", looked_for):
            yield f"Not used: {each.title}. Here: {each.step}"


def _is(convention: Convention, path: str) -> bool:
    name = convention.name
    if name.endswith("/"):
        return path.startswith(name)
    return fnmatchcase(path.rpartition("/")[2] if convention.anywhere else path, name)


def _looked_for(buildpacks: Path) -> str:
    """The detect scripts of a builder, without comments: they hold the names they look for."""
    texts = []
    for script in buildpacks.glob("*/*/bin/detect"):
        with script.open("rb") as file:
            if file.read(2) == b"#!":
                texts.append(file.read(1 << 20).decode(errors="replace"))
    lines = "\n".join(texts).splitlines()
    return "\n".join(line for line in lines if not line.startswith("#"))

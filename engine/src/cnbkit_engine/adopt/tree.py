"""All Dockerfiles below a folder, and how few combinations they come down to."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnbkit.errors import UserFault
from cnbkit.log import Log
from cnbkit_engine.adopt.adoption import adopted
from cnbkit_engine.adopt.findings import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cnbkit_engine.adopt.findings import Findings

__all__ = ["Row", "Tree", "surveyed"]

_NAME = re.compile(r"(?:.+[._-])?dockerfile(?:[._-].+)?", re.IGNORECASE)
_NOT = (".md", ".py", ".dockerignore", ".yaml", ".yml", ".sh", ".json", ".j2", ".tmpl", ".html")
_NEVER = {".git", ".hg", ".svn", "node_modules", ".venv", "__pycache__"}


@dataclass(frozen=True)
class Row:
    """One Dockerfile.

    Args:
        path: below the folder.
        image: its base image.
        combination: what buildpacks make of it.
        covered: lines that files stand in for.
        default: lines that every build takes care of.
        needs: lines that need somebody.
    """

    path: str
    image: str
    combination: str
    covered: int
    default: int
    needs: int


@dataclass(frozen=True)
class Tree:
    """The Dockerfiles of a folder.

    Args:
        folder: which.
        rows: a row for each that could be read.
        unread: path → why it could not be read.
        reasons: why lines need somebody, and how many do.
    """

    folder: str
    rows: tuple[Row, ...]
    unread: Mapping[str, str]
    reasons: Mapping[str, int]

    @property
    def images(self) -> list[tuple[str, int]]:
        """Base images and how many Dockerfiles have them, the most frequent first."""
        return Counter(row.image for row in self.rows).most_common()

    @property
    def combinations(self) -> list[tuple[str, int]]:
        """What they come down to, the most frequent first."""
        return Counter(row.combination for row in self.rows).most_common()

    @property
    def totals(self) -> tuple[int, int, int]:
        """Lines: covered, covered by default, in need of somebody."""
        return (
            sum(row.covered for row in self.rows),
            sum(row.default for row in self.rows),
            sum(row.needs for row in self.rows),
        )

    @property
    def summary(self) -> str:
        """All in one sentence."""
        covered, default, needs = self.totals
        lines = covered + default + needs
        share = 100 * (covered + default) // lines if lines else 0
        return (
            f"{Log.counted(len(self.rows), 'Dockerfile')} with"
            f" {Log.counted(len(self.images), 'base image')} come down to"
            f" {len(self.combinations)} combinations of one builder; {covered + default} of"
            f" {lines} lines are covered ({share} %), {needs} need you."
        )

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        covered, default, needs = self.totals
        return {
            "folder": self.folder,
            "dockerfiles": [row.__dict__ for row in self.rows],
            "images": dict(self.images),
            "combinations": dict(self.combinations),
            "lines": {"covered": covered, "default": default, "needs": needs},
            "reasons": dict(self.reasons),
            "unread": dict(self.unread),
        }


def surveyed(folder: Path) -> Tree:
    """Read all Dockerfiles below a folder.

    Raises:
        UserFault: there is none.
    """
    rows, unread = [], {}
    reasons: Counter[str] = Counter()
    for path in _dockerfiles(folder):
        name = path.relative_to(folder).as_posix()
        try:
            findings = adopted(path).findings
        except UserFault as fault:
            unread[name] = fault.what
            continue
        counts = [findings.count(state) for state in (State.COVERED, State.DEFAULT, State.NEEDS)]
        rows.append(Row(name, findings.image, _combination(findings), *counts))
        for verdict in findings.verdicts:
            if verdict.state is State.NEEDS:
                reasons[_general(verdict.why)] += 1
    if not rows:
        raise UserFault(
            "there is no Dockerfile below this folder",
            where=str(folder),
            remedy="name a folder with repositories: cnbkit adopt --report DIR",
        )
    return Tree(str(folder), tuple(rows), unread, dict(reasons.most_common()))


def _dockerfiles(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _NEVER)
        for name in sorted(files):
            path = Path(root, name)
            if _NAME.fullmatch(name) and not name.endswith(_NOT) and not path.is_symlink():
                yield path


def _combination(findings: Findings) -> str:
    locked = [name for name in findings.locked if name != "project"]
    installer = "conda" if findings.conda else locked[-1] if locked else "pip"
    python = f"Python {findings.python}" if findings.python else "the builder's Python"
    return f"{installer}, {python}, {findings.hardware or 'no accelerator'}"


def _general(why: str) -> str:
    """A reason without the names that are in it."""
    return re.sub(r"(?:https?://)?\S*[/.$:]\S+", "…", why).strip("… ,;:") or why

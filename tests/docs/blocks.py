"""The code blocks of the documentation, and projects made of them.

A block whose fence has a title is that file of the page's project; an untitled Python block is a
module of its own. `console` blocks hold commands after `$ ` and what they print; in that, `…`
stands for anything. A block after `<!-- not run: REASON -->` is not run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Block", "Page", "pages"]

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(
    r"^( *)```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^\1```$", re.DOTALL | re.MULTILINE
)
_NOT_RUN = re.compile(r"<!-- not run: ([^>]+) -->\n\s*\Z")


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Args:
        page: its page.
        line: where it begins.
        language: the fence's first word.
        title: the file it is; empty if none.
        text: what it holds.
        not_run: why it cannot run; empty if it can.
    """

    page: Path
    line: int
    language: str
    title: str
    text: str
    not_run: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Page:
    """A page and its blocks."""

    path: Path
    blocks: list[Block]

    @property
    def plain(self) -> list[str]:
        """Blocks without a language."""
        rest = _FENCE.sub("", self.path.read_text())
        return re.findall(r"^```\n(.*?)^```$", rest, re.DOTALL | re.MULTILINE)

    @property
    def name(self) -> str:
        """Its path as an identifier."""
        return re.sub(r"\W", "_", self.path.relative_to(ROOT).with_suffix("").as_posix())

    def write(self, root: Path) -> Path:
        """Make the page's project; its folder."""
        folder = root / self.name
        (folder / "snippets").mkdir(parents=True)
        for number, block in enumerate(self.blocks):
            path = folder / block.title
            if not block.title:
                if block.language != "python" or block.not_run:
                    continue
                path = folder / "snippets" / f"{self.name}_{number}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
            if path.parent.name == "bin":
                path.chmod(0o755)
        return folder


def pages() -> list[Page]:
    """Every page of the documentation, and the README."""
    paths = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [Page(path, _blocks(path)) for path in paths]


def _blocks(path: Path) -> list[Block]:
    text = path.read_text()
    found = []
    for match in _FENCE.finditer(text):
        indent, language, title, body = match.groups()
        before = text[: match.start()]
        reason = _NOT_RUN.search(before)
        lines = [line.removeprefix(indent) for line in body.splitlines(keepends=True)]
        found.append(
            Block(
                page=path,
                line=before.count("\n") + 1,
                language=language,
                title=title or "",
                text="".join(lines),
                not_run=reason[1] if reason else "",
            )
        )
    return found

"""Runs the tests that docs/security.md names, and writes how many attacks were tried and survived.

    .venv/bin/python -m tests.attacks.table [FILE…]

The page itself says what belongs together: each of its sections names its tests. Of FILEs alone
the lines are written anew; the others stay as the last run left them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Case", "Counts", "cases", "counted", "main", "read", "sections", "table", "with_table"]

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "security.md"
_BEGIN, _END = "<!-- written by tests/attacks/table.py -->\n", "<!-- to here -->\n"
_NAMED = re.compile(r"`(tests/[a-z0-9_/]+\.py)`")
_ROW = re.compile(r"^\| `(\S+)` \| (.+) \| (.+) \|$", re.MULTILINE)
_USERS = ("root", "ordinary")

Counts = dict[str, dict[str, tuple[int, int]]]
"""File → "root" and "ordinary" → how many survived, of how many."""


@dataclass(frozen=True)
class Case:
    """A test that was run.

    Args:
        file: the one it stands in.
        name: its own, with parameters.
        survived: whether it passed.
    """

    file: str
    name: str
    survived: bool

    def by(self, runner: str) -> str:
        """Who called `cnbkit` in it: "root" or "ordinary".

        Args:
            runner: who ran the tests, and so those that say nothing of it.
        """
        parameters = self.name.partition("[")[2]
        # Root of a user's namespace is an ordinary user outside.
        if "ordinary" in parameters or "namespace" in parameters:
            return "ordinary"
        return "root" if re.match(r"root\b", parameters) else runner


def sections(page: str) -> dict[str, list[str]]:
    """Heading → test files it names; one that several name belongs to the first."""
    found: dict[str, list[str]] = {}
    known: set[str] = set()
    for section in page.split("\n## ")[1:]:
        heading, _, text = section.partition("\n")
        files = [name for name in dict.fromkeys(_NAMED.findall(text)) if name not in known]
        known.update(files)
        if files:
            found[heading] = files
    return found


def cases(report: str) -> list[Case]:
    """What pytest's report in JUnit's format says."""
    found = []
    for case in ET.fromstring(report).iter("testcase"):
        kinds = {child.tag for child in case}
        if "skipped" in kinds:
            continue  # not begun: it was not tried
        file = case.get("classname", "").replace(".", "/") + ".py"
        found.append(Case(file, case.get("name", ""), not kinds & {"failure", "error"}))
    return found


def counted(run: Iterable[Case], runner: str) -> Counts:
    """How many of each file survived, and were tried."""
    found: Counts = {}
    for case in run:
        counts = found.setdefault(case.file, {})
        survived, tried = counts.get(case.by(runner), (0, 0))
        counts[case.by(runner)] = (survived + case.survived, tried + 1)
    return found


def read(page: str) -> Counts:
    """What the page's table says."""
    _, _, rest = page.partition(_BEGIN)
    found: Counts = {}
    for file, *cells in _ROW.findall(rest.partition(_END)[0]):
        for user, cell in zip(_USERS, cells, strict=True):
            if cell != "none":
                survived, tried = map(int, cell.split(" of "))
                found.setdefault(file, {})[user] = (survived, tried)
    return found


def table(page: str, counts: Counts) -> str:
    """The table, a line for each file, below those of its section; `survived of tried`."""
    lines = ["| | called by root | by an ordinary user |", "|---|---|---|"]
    rows = {}
    for heading, files in sections(page).items():
        known = {f"`{file}`": counts[file] for file in files if file in counts}
        rows.update({f"**{heading}**": _sum(known.values()), **known})
    for name, each in {**rows, "**all**": _sum(counts.values())}.items():
        cells = [" of ".join(map(str, each[user])) if user in each else "none" for user in _USERS]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "".join(f"{line}\n" for line in lines)


def _sum(several: Iterable[dict[str, tuple[int, int]]]) -> dict[str, tuple[int, int]]:
    total: dict[str, tuple[int, int]] = {}
    for each in several:
        for user, (survived, tried) in each.items():
            before = total.get(user, (0, 0))
            total[user] = (before[0] + survived, before[1] + tried)
    return total


def with_table(page: str, text: str) -> str:
    """The page with this table in place of the one it has."""
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not end:
        raise ValueError(f"{PAGE.name} has no place for the table")
    return f"{before}{begin}{text}{end}{after}"


def main(chosen: list[str]) -> int:
    """Run, and write if the tests ran to their end; pytest's exit status."""
    page = PAGE.read_text()
    files = [name for names in sections(page).values() for name in names]
    if unknown := sorted({*chosen} - {*files}):
        sys.exit(f"{PAGE.name} does not name {', '.join(unknown)}")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-m", "", "-q", f"--junitxml={report}"]
        code = subprocess.run([*command, *(chosen or files)], cwd=ROOT, check=False).returncode
        if code > 1:  # broken off: the report has the test it was in as one that passed
            return code
        runner = "root" if os.geteuid() == 0 else "ordinary"
        found = counted(cases(report.read_text()), runner)
    known = {file: counts for file, counts in read(page).items() if file in files}
    PAGE.write_text(with_table(page, table(page, {**known, **found} if chosen else found)))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

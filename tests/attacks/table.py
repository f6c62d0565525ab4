"""Runs the tests that docs/security.md names, and writes how many attacks were tried and survived.

    .venv/bin/python -m tests.attacks.table

The page itself says what belongs together: each of its sections names its tests.
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

__all__ = ["Case", "cases", "main", "sections", "table", "with_table"]

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "security.md"
_BEGIN, _END = "<!-- written by tests/attacks/table.py -->\n", "<!-- to here -->\n"
_NAMED = re.compile(r"`(tests/[a-z0-9_/]+\.py)`")


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


def table(page: str, run: Iterable[Case], runner: str) -> str:
    """The table of counts, `survived of tried`."""
    run = list(run)
    lines = ["| | called by root | by an ordinary user |", "|---|---|---|"]
    named = sections(page)
    rows = {
        **{heading: [case for case in run if case.file in named[heading]] for heading in named},
        "all": run,
    }
    for heading, chosen in rows.items():
        cells = []
        for user in ("root", "ordinary"):
            theirs = [case for case in chosen if case.by(runner) == user]
            survived = sum(case.survived for case in theirs)
            cells.append(f"{survived} of {len(theirs)}" if theirs else "none")
        lines.append(f"| {heading} | {' | '.join(cells)} |")
    return "".join(f"{line}\n" for line in lines)


def with_table(page: str, text: str) -> str:
    """The page with this table in place of the one it has."""
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not end:
        raise ValueError(f"{PAGE.name} has no place for the table")
    return f"{before}{begin}{text}{end}{after}"


def main() -> int:
    """Run, and write if the tests ran to their end; pytest's exit status."""
    page = PAGE.read_text()
    files = [name for names in sections(page).values() for name in names]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-m", "", "-q", f"--junitxml={report}", *files]
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        if code > 1:  # broken off: the report has the test it was in as one that passed
            return code
        run = cases(report.read_text())
    runner = "root" if os.geteuid() == 0 else "ordinary"
    PAGE.write_text(with_table(page, table(page, run, runner)))
    return code


if __name__ == "__main__":
    sys.exit(main())

"""One thing `cnbkit check` has to tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cnbkit.errors import InvalidDocument

__all__ = ["Finding", "Findings"]


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong, or may be.

    Args:
        file: the file, as it was named or found.
        line: counted from 1; 0 where none can be named.
        severity: "error" if it cannot work, "warning" otherwise.
        rule: its short name, for machines.
        what: one sentence without a full stop.
        remedy: the one thing to do.
    """

    file: str
    line: int
    severity: Literal["error", "warning"]
    rule: str
    what: str
    remedy: str

    @property
    def where(self) -> str:
        """File and line."""
        return f"{self.file}:{self.line}" if self.line else self.file


class Findings:
    """What was found so far.

    Args:
        fix: whether to mend what has only one right form.
    """

    def __init__(self, *, fix: bool = False) -> None:
        self.fix = fix
        self._all: set[Finding] = set()

    def error(self, file: Path, line: int, rule: str, what: str, remedy: str) -> None:
        """Add what cannot work."""
        self._all.add(Finding(str(file), line, "error", rule, what, remedy))

    def warning(self, file: Path, line: int, rule: str, what: str, remedy: str) -> None:
        """Add what may be a mistake."""
        self._all.add(Finding(str(file), line, "warning", rule, what, remedy))

    def invalid(
        self,
        file: Path,
        invalid: InvalidDocument,
        *,
        tolerated: Callable[[str], bool] | None = None,
    ) -> None:
        """Add every fault of a document.

        Args:
            file: the document.
            invalid: what is wrong with it.
            tolerated: whether a fault is only a warning.
        """
        for fault in invalid.faults:
            line, what = fault.line or 0, str(fault)
            what = what.removeprefix(f"line {line}: ")
            add = self.warning if tolerated and tolerated(what) else self.error
            add(file, line, "descriptor", what, "correct the file")

    def sorted(self) -> list[Finding]:
        """All of them, by file and line."""
        return sorted(self._all)

"""When each part of a build began."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Mark", "Timeline"]

_HEADING = re.compile(r"(\S[\w ./-]*) \d+\.\d+\.\d+\S*")


@dataclass(frozen=True)
class Mark:
    """The beginning of a part.

    Args:
        name: of a phase of the lifecycle, or of the buildpack that prints its heading.
        phase: whether it is a phase.
        seconds: since the build began.
    """

    name: str
    phase: bool
    seconds: float


class Timeline:
    """Reads a build's lines and notes when parts begin.

    Args:
        clock: seconds that only grow.

    Attributes:
        marks: the parts, in their order.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()
        self._building = False
        self.marks: list[Mark] = []

    def line(self, text: str) -> None:
        """Take in one line of the lifecycle's output."""
        if text.startswith("===> "):
            name = text.removeprefix("===> ").strip()
            self._building = name == "BUILDING"
            self._add(name.lower(), phase=True)
        elif self._building and (match := _HEADING.fullmatch(text)):
            self._add(match[1], phase=False)

    def _add(self, name: str, *, phase: bool) -> None:
        self.marks.append(Mark(name, phase, self._clock() - self._start))

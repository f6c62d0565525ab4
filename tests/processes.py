"""The processes of this machine, as /proc has them: a minimal one has no `ps`."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

__all__ = ["Process", "below"]


class Process(NamedTuple):
    """One of them."""

    pid: int
    parent: int
    name: str


def below(pid: int) -> list[Process]:
    """The children of a process, and theirs, that run now."""
    running = _running()
    found: list[Process] = []
    above = {pid}
    while above:
        children = [each for each in running if each.parent in above]
        found += children
        above = {each.pid for each in children}
    return found


def _running() -> list[Process]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text(errors="replace")
        except OSError:  # it has ended
            continue
        # A name is whatever its program says, parentheses included.
        own, _, rest = text.partition(" (")
        name, _, numbers = rest.rpartition(") ")
        found.append(Process(int(own), int(numbers.split()[1]), name))
    return found

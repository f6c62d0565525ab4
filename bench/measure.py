"""Run a command and say how long it took; watch how much memory its processes take."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["Command", "CommandFailed", "MemoryWatch", "descendants", "timed"]

_INTERVAL = 0.05  # seconds between two looks at memory


class CommandFailed(Exception):
    """A measured command ended with an error, so there is nothing to report."""


@dataclass(frozen=True)
class Command:
    """A command as it is run, with what it needs around it.

    Args:
        argv: program and arguments.
        cwd: where it starts.
        env: its environment, complete; None for this process's.
    """

    argv: Sequence[str]
    cwd: Path | None = None
    env: Mapping[str, str] | None = None


def timed(command: Command, log: Path) -> float:
    """Run a command to its end and return the seconds it took.

    Args:
        command: what to run.
        log: its output is appended there.

    Raises:
        CommandFailed: it could not be started or did not end with 0.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        file.write(f"\n$ {' '.join(command.argv)}\n".encode())
        file.flush()
        start = time.monotonic()
        code = subprocess.call(
            list(command.argv),
            cwd=command.cwd,
            env=command.env,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
        seconds = time.monotonic() - start
    if code:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise CommandFailed(f"{' '.join(command.argv)}\nended with {code}; {log}:\n{tail}")
    return seconds


class MemoryWatch:
    """Largest memory of a tree of processes, while a `with` block runs.

    What is summed is PSS (memory shared by several processes counts once in all), read from
    `/proc/PID/smaps_rollup`. Reading it takes time from what runs, so a watched run is not one
    that is timed.

    Args:
        roots: ids of the processes whose descendants count, they themselves included.
        without: ids of processes that do not count, nor their descendants.
        part: says by a process's command line whether it and its descendants count to `part_peak`.
    """

    def __init__(
        self, roots: Iterable[int], without: Iterable[int], part: Callable[[str], bool]
    ) -> None:
        self._roots = set(roots)
        self._without = set(without)
        self._part = part
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak = 0
        self.part_peak = 0

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(_INTERVAL):
            children = _children()
            tree = descendants(self._roots, children, self._without) - {os.getpid()}
            inner = descendants({pid for pid in tree if self._part(_command_line(pid))}, children)
            memory = {pid: _pss(pid) for pid in tree}
            self.peak = max(self.peak, sum(memory.values()))
            self.part_peak = max(self.part_peak, sum(memory.get(pid, 0) for pid in inner))


def _children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            # pid (name, which may hold anything) state ppid ...
            fields = _read(entry / "stat").rpartition(")")[2].split()
            if fields:
                found.setdefault(int(fields[1]), []).append(int(entry.name))
    return found


def descendants(
    roots: set[int], children: Mapping[int, list[int]], without: Iterable[int] = ()
) -> set[int]:
    """The roots and all below them, leaving out some processes with all below those."""
    found: set[int] = set()
    skipped = set(without)
    todo = list(roots)
    while todo:
        pid = todo.pop()
        if pid not in found | skipped:
            found.add(pid)
            todo += children.get(pid, [])
    return found


def _command_line(pid: int) -> str:
    return _read(Path(f"/proc/{pid}/cmdline")).replace("\0", " ")


def _pss(pid: int) -> int:
    for line in _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _read(path: Path) -> str:
    """A file of /proc, empty if the process has ended meanwhile."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""

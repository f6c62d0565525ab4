"""A limit for the memory of what an image runs.

The kernel limits a group of processes by a cgroup, which is a folder that somebody has to be
allowed to make: root always is, an ordinary user below a cgroup that was delegated (`systemd-run
--user --scope`, a container of one's own). Where none can be made the kernel limits each process by
itself (RLIMIT_DATA: what it may write to alone), and that is said.

We enter the cgroup while we start the image's first process, so that it is in it from its first
instruction, and leave it: what is small and was there first would be ended as soon as anything.
"""

from __future__ import annotations

import os
import re
import resource
import time
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

__all__ = ["Cgroup", "limited_memory", "own_cgroup"]

_PROCESSES = "cgroup.procs"
_ATTEMPTS, _PAUSE = 100, 0.02  # seconds between them


@dataclass(frozen=True)
class Cgroup:
    """A memory cgroup.

    Args:
        folder: where it is.
        unified: whether it is one of cgroup v2.
    """

    folder: Path
    unified: bool

    def limit(self, size: int) -> None:
        """Give what is in it no more memory than this; swap does not count as more.

        Raises:
            OSError: the kernel refuses.
        """
        names = (
            ("memory.max", "memory.swap.max")
            if self.unified
            else ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
        )
        (self.folder / names[0]).write_text(str(size))
        with suppress(OSError):  # a kernel that does not count swap
            (self.folder / names[1]).write_text("0" if self.unified else str(size))

    def enter(self) -> None:
        """Make this process, and all that it starts, one of it.

        Raises:
            OSError: it may not go there.
        """
        (self.folder / _PROCESSES).write_text(str(os.getpid()))

    @property
    def killed(self) -> bool:
        """Whether the kernel has ended a process because there was no more memory."""
        name = "memory.events" if self.unified else "memory.oom_control"
        with suppress(OSError):
            text = (self.folder / name).read_text()
            return bool(re.search(r"^oom_kill [1-9]", text, re.MULTILINE))
        return False

    def remove(self) -> None:
        """Remove it, when the last of its processes has ended: soon, if it has been killed."""
        for _ in range(_ATTEMPTS):
            try:
                self.folder.rmdir()
            except OSError:
                time.sleep(_PAUSE)
            else:
                return


def own_cgroup(process: str = "/proc/self", mounts: str = "/proc/self/mountinfo") -> Cgroup | None:
    """The cgroup that limits this process's memory; None if this kernel, or sandbox, shows none.

    Args:
        process: its folder in /proc.
        mounts: the list of what is mounted.
    """
    try:
        lines = Path(process, "cgroup").read_text().splitlines()
        mounted = Path(mounts).read_text().splitlines()
    except OSError:
        return None
    paths = {line.split(":", 2)[1]: line.split(":", 2)[2] for line in lines}
    # Of a kernel with both kinds, the older one has the memory if it names it.
    for name, path in sorted(paths.items(), reverse=True):
        if name and "memory" not in name.split(","):
            continue
        for line in mounted:
            before, _, after = line.partition(" - ")
            root, place = before.split()[3:5]
            kind, _, options = after.split(" ", 2)
            wanted = "cgroup" if name else "cgroup2"
            if kind != wanted or (name and "memory" not in re.split("[, ]", options)):
                continue
            below = os.path.relpath(path, root)
            if below.startswith(".."):
                below = "."  # of another namespace
            folder = Path(place, below)
            if name or (folder / "memory.current").exists() or folder == Path(place):
                return Cgroup(folder, unified=not name)
    return None


@contextmanager
def limited_memory(
    size: int, show: Callable[[str], None]
) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Limit what is started in the block.

    Args:
        size: bytes; no limit if 0.
        show: told if there cannot be one for all processes together, or it has been reached.

    Yields:
        makes a block of its own for the moment in which a process is started.

    Raises:
        PlatformFault: not even a process can be limited.
    """
    if not size:
        yield nullcontext
        return
    before = own_cgroup()
    made = before and _made(before, size)
    if not before or not made:
        show(
            "The limit is for each process by itself: this user may make no cgroup here"
            " (systemd-run --user --scope cnbkit run …)"
        )
        try:
            resource.setrlimit(resource.RLIMIT_DATA, (size, size))
        except (OSError, ValueError) as error:
            raise PlatformFault(
                f"memory cannot be limited: {error}",
                where="--memory",
                remedy="leave it out, or limit cnbkit itself",
            ) from None
        yield nullcontext
        return
    try:
        yield partial(_entered, made, before)
    finally:
        killed = made.killed
        made.remove()
        if killed:
            show(f"A process needed more than the {size / 1e6:.0f} MB of --memory, and was ended")


@contextmanager
def _entered(cgroup: Cgroup, before: Cgroup) -> Iterator[None]:
    cgroup.enter()
    try:
        yield
    finally:
        before.enter()


def _made(before: Cgroup, size: int) -> Cgroup | None:
    """A new cgroup that we can enter, and leave; None where none can be made."""
    parents = [before.folder]
    if before.unified:
        # One that has processes of its own can have none with a limit below it, except the first.
        parents = [before.folder.parent, before.folder]
    for parent in parents:
        made = Cgroup(parent / f"cnbkit-{os.getpid()}", before.unified)
        try:
            made.folder.mkdir()
        except OSError:
            continue
        try:
            made.limit(size)
            with _entered(made, before):
                pass
        except OSError:
            made.remove()
        else:
            return made
    return None

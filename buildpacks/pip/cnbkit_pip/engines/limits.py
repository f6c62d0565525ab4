"""What an engine may take: a package of a few kilobytes can unpack to more than a disk has."""

from __future__ import annotations

import os
import shutil
import threading
from contextlib import contextmanager

from cnbkit import CommandFailed, PlatformFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MINUTE", "Limits"]

MINUTE = 60.0

_EVERY = 0.2
# Folders are walked when the disk has lost this much, because that takes long; at once where less
# is allowed.
_STEP = 1_000_000_000
# Kilobytes; the largest index's answers take a twentieth. A shell's limit holds for each process
# by itself, and for nothing that is mapped from a file.
_MEMORY = 8_000_000
_LIMITED = 'ulimit -S -d "$0" 2>/dev/null; exec "$@"'


class Limits:
    """Of a build's calls of an engine.

    Attributes:
        seconds: that a call may take.

    Args:
        minutes: that a call may take.
        megabytes: that what is unpacked may take.
    """

    def __init__(self, minutes: int = 60, megabytes: int = 64_000) -> None:
        self.seconds = MINUTE * minutes
        self._bytes = 1_000_000 * megabytes

    def reading(self, *command: str) -> tuple[str, ...]:
        """A command that only reads what others answer, with an end to the memory it takes."""
        return ("/bin/sh", "-c", _LIMITED, str(_MEMORY), *command)

    @contextmanager
    def watched(self, *folders: str) -> Iterator[threading.Event]:
        """Give an event that ends the program which runs inside when it unpacks too much.

        Args:
            folders: where it unpacks; removed then.

        Raises:
            PlatformFault: it has.
        """
        broken, over = threading.Event(), threading.Event()
        seen = _Seen(folders, self._bytes)

        def watch() -> None:
            while not over.wait(_EVERY):
                if seen.too_much():
                    broken.set()
                    return

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield broken
        except CommandFailed:
            if not broken.is_set():
                raise
        finally:
            over.set()
            thread.join()
        if broken.is_set() or seen.too_much():
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
            raise PlatformFault(
                f"the packages take more than {self._bytes // 1_000_000} MB unpacked",
                where=f"the largest file of them: {seen.largest} ({seen.size / 1e6:.0f} MB)",
                remedy="take out the package that it belongs to, if that should not be so large; "
                "or allow more with BP_PIP_SIZE_LIMIT=<megabytes>",
            )


class _Seen:
    """How much there is in folders.

    Attributes:
        largest: name of the largest file.
        size: its size.
    """

    def __init__(self, folders: tuple[str, ...], limit: int) -> None:
        self._folders = folders
        self._limit = limit
        self._free = self._now()
        self.largest, self.size = "", 0

    def too_much(self) -> bool:
        now = self._now()
        if self._limit >= _STEP and self._free - now < _STEP:
            return False
        self._free = now
        return sum(map(self._taken, self._folders)) > self._limit

    def _now(self) -> int:
        """What is free on the disk."""
        place = self._folders[0]
        while not os.path.exists(place):
            place = os.path.dirname(place)
        status = os.statvfs(place)
        return status.f_bavail * status.f_frsize

    def _taken(self, folder: str) -> int:
        taken = 0
        for place, _, names in os.walk(folder):
            for name in names:
                try:
                    status = os.lstat(f"{place}/{name}")
                except OSError:
                    continue  # gone meanwhile
                # A hole takes nothing.
                size = 512 * status.st_blocks
                taken += size
                if size > self.size:
                    self.largest, self.size = name, size
        return taken

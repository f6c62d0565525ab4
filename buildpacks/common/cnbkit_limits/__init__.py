"""What a tool that fetches and unpacks may take.

A package of a few kilobytes can unpack to more than a disk has, an answer can have no end.
"""

from __future__ import annotations

import os
import shutil
import threading
from contextlib import contextmanager

from cnbkit import CnbkitError, PlatformFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from typing import Any, TypeVar

    T = TypeVar("T")

__all__ = ["MINUTE", "Limits"]

MINUTE = 60.0

_EVERY = 0.2
# No environment has a tenth of them; a disk has a number of its own for them.
_ENTRIES = 3_000_000
# Folders are walked when the disk has lost this much, because that takes long; at once where less
# is allowed.
_STEP = 1_000_000_000
# Kilobytes; the largest index's answers take a twentieth. A shell's limit holds for each process
# by itself, and for nothing that is mapped from a file.
_MEMORY = 8_000_000
_LIMITED = 'ulimit -S -d "$0" 2>/dev/null; exec "$@"'


class Limits:
    """Of a build's calls of a tool.

    Attributes:
        seconds: that a call may take.

    Args:
        setting: what changes the megabytes; with `TIME` in place of `SIZE`, the minutes.
        minutes: that a call may take.
        megabytes: that what is fetched and unpacked may take.
    """

    def __init__(self, setting: str, minutes: int = 60, megabytes: int = 64_000) -> None:
        self.seconds = MINUTE * minutes
        self._bytes = 1_000_000 * megabytes
        self._setting = setting

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
        except CnbkitError:
            if not broken.is_set():
                raise
        finally:
            over.set()
            thread.join()
        if broken.is_set() or seen.too_much():
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
            if seen.entries > _ENTRIES:
                raise PlatformFault(
                    f"the packages have more than {_ENTRIES:,} files",
                    where=folders[0],
                    remedy="take out the package that they belong to",
                )
            raise PlatformFault(
                f"the packages take more than {self._bytes // 1_000_000} MB unpacked",
                where=f"the largest file of them: {seen.largest} ({seen.size / 1e6:.0f} MB)",
                remedy="take out the package that it belongs to, if that should not be so large; "
                f"or allow more with {self._setting}=<megabytes>",
            )

    def run(self, work: Coroutine[Any, Any, T], *folders: str) -> T:
        """The result of work that fetches and unpacks, if it ends in time and takes no more.

        Args:
            work: is cancelled if not.
            folders: where it unpacks; removed if that is too much.

        Raises:
            PlatformFault: it takes too much, or too long.
        """
        import asyncio  # only who has no program of its own to run

        with self.watched(*folders) as broken:
            return asyncio.run(self._bounded(work, broken))

    async def _bounded(self, work: Coroutine[Any, Any, T], broken: threading.Event) -> T:
        import asyncio

        task = asyncio.ensure_future(work)
        end = asyncio.get_running_loop().time() + self.seconds
        while not (await asyncio.wait([task], timeout=_EVERY))[0]:
            late = asyncio.get_running_loop().time() > end
            if not late and not broken.is_set():
                continue
            task.cancel()
            if broken.is_set():
                raise CnbkitError("too much")  # `watched` says of what
            raise self.too_long()
        return task.result()

    def too_long(self) -> PlatformFault:
        """What to tell when a call was not done in time."""
        return PlatformFault(
            f"packages are not there after {self.seconds / MINUTE:g} minutes",
            where="fetching packages",
            remedy="see that the servers answer; or allow more with "
            f"{self._setting.replace('SIZE', 'TIME')}=<minutes>",
        )


class _Seen:
    """How much there is in folders.

    Attributes:
        entries: how many files and folders.
        largest: name of the largest file.
        size: its size.
    """

    def __init__(self, folders: tuple[str, ...], limit: int) -> None:
        self._folders = folders
        self._limit = limit
        self._free = self._now()
        self.largest, self.size = "", 0
        self.entries = 0

    def too_much(self) -> bool:
        now, names = self._now()
        before, names_before = self._free
        if self._limit >= _STEP and before - now < _STEP and names_before - names < _ENTRIES:
            return False
        self._free = now, names
        self.entries = 0
        return sum(map(self._taken, self._folders)) > self._limit or self.entries > _ENTRIES

    def _now(self) -> tuple[int, int]:
        """What is free on the disk: bytes, and files."""
        place = self._folders[0]
        while not os.path.exists(place):
            place = os.path.dirname(place)
        status = os.statvfs(place)
        return status.f_bavail * status.f_frsize, status.f_favail

    def _taken(self, folder: str) -> int:
        taken = 0
        for place, folders, names in os.walk(folder):
            self.entries += len(folders) + len(names)
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

"""A program that runs: its output line by line, and its end with all it started."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from typing import IO

__all__ = ["Silence", "end", "end_when", "feed", "kill", "read_lines"]


class Silence:
    """How long nothing has been shown of a program."""

    def __init__(self, name: str, every: float, still: Callable[[float, str], None]) -> None:
        self._name, self._every, self._still = name, every, still
        self._began = self._since = time.monotonic()

    def end(self) -> None:
        """Something has been shown."""
        self._since = time.monotonic()

    @property
    def left(self) -> float:
        """Seconds until it has lasted too long."""
        return max(self._since + self._every - time.monotonic(), 0)

    def look(self) -> None:
        """Tell of the program if it has."""
        if not self.left:
            self.end()
            self._still(self._since - self._began, self._name)


def read_lines(
    streams: dict[IO[bytes], int], take: Callable[[int, str], None], silence: Silence
) -> None:
    """Read both streams to their ends, line by line.

    Of what is there at the same time stdout comes first: a program that prints, complains and
    ends is read in that order.
    """
    import codecs
    import io
    import selectors

    new = codecs.getincrementaldecoder("utf-8")
    decoders = {
        kind: io.IncrementalNewlineDecoder(new("replace"), translate=True)
        for kind in streams.values()
    }
    rest = dict.fromkeys(streams.values(), "")
    with selectors.DefaultSelector() as ready:
        for stream, kind in streams.items():
            ready.register(stream, selectors.EVENT_READ, kind)
        while ready.get_map():
            silence.look()
            for key, _ in sorted(ready.select(silence.left), key=lambda event: int(event[0].data)):
                data = os.read(key.fd, 65536)
                text = rest[key.data] + decoders[key.data].decode(data, final=not data)
                *whole, rest[key.data] = text.split("\n")
                for line in whole:
                    take(key.data, f"{line}\n")
                if not data:
                    ready.unregister(key.fileobj)
                    if rest[key.data]:
                        take(key.data, rest[key.data])


def feed(stream: IO[bytes], data: str | bytes) -> None:
    """Write all of it to the program's input, and close that."""
    try:
        with stream as raw:
            raw.write(data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data)
    except OSError:
        return  # it ended, or does not want to know


def end(group: int, over: threading.Event) -> None:
    """Kill a program whose time is over, and say that it was."""
    over.set()
    kill(group)


def end_when(group: int, until: threading.Event, done: threading.Event) -> None:
    """Kill a program on `until`, unless it is `done` before."""
    while not done.is_set():
        if until.wait(0.1):
            # Its id is another's as soon as it has been waited for.
            if not done.is_set():
                kill(group)
            return


def kill(group: int) -> None:
    """Kill a program and everything it started."""
    import signal

    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return

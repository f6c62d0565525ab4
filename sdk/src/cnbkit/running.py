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

_EXIT = 3  # behind the kinds of streams
# As much as a pipe holds: what a program had printed when it ended, others may print for ever.
_PIPE = 1 << 16


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
    streams: dict[IO[bytes], int],
    take: Callable[[int, str], None],
    silence: Silence,
    program: int,
) -> bool:
    """Read both streams line by line, to their ends or what a program has printed at its own.

    Of what is there at the same time stdout comes first: a program that prints, complains and
    ends is read in that order.

    Args:
        streams: each with its kind, 1 or 2.
        take: gets the kind and a line.
        silence: ends with each line that is shown.
        program: its process id.

    Returns:
        Whether a process that it has left behind holds a stream open.
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
    still_open, ended = len(streams), False
    left = dict.fromkeys(streams.values(), _PIPE)
    with selectors.DefaultSelector() as ready, _Exit(program) as exited:
        for stream, kind in streams.items():
            ready.register(stream, selectors.EVENT_READ, kind)
        if exited.handle is not None:
            ready.register(exited.handle, selectors.EVENT_READ, _EXIT)
        while still_open:
            silence.look()
            events = ready.select(0 if ended else silence.left)
            if ended and not events:
                break
            for key, _ in sorted(events, key=lambda event: int(event[0].data)):
                if key.data == _EXIT:
                    ready.unregister(key.fileobj)
                    ended = True
                    continue
                data = os.read(key.fd, left[key.data])
                text = rest[key.data] + decoders[key.data].decode(data, final=not data)
                *whole, rest[key.data] = text.split("\n")
                for line in whole:
                    take(key.data, f"{line}\n")
                if ended:
                    left[key.data] -= len(data)
                if not data:
                    still_open -= 1
                if not data or not left[key.data]:
                    ready.unregister(key.fileobj)
    for kind, text in rest.items():
        if text:
            take(kind, text)
    return still_open > 0


class _Exit:
    """A descriptor that is ready when a process has ended; None where the kernel has none such."""

    def __init__(self, program: int) -> None:
        try:
            self.handle: int | None = os.pidfd_open(program)
        except (AttributeError, OSError):  # before Linux 5.3, or forbidden
            self.handle = None

    def __enter__(self) -> _Exit:
        return self

    def __exit__(self, *_: object) -> None:
        if self.handle is not None:
            os.close(self.handle)


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

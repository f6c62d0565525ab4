"""What a command shows while nothing else is to be said: that it works, on what, and how long."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault
from cnbkit_engine.cli.say import plain, say

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import TextIO

__all__ = ["Progress", "at_work"]

_LONGEST = 70
_CLEAR = "\r\x1b[K"
_ENDING = "putting away what the build has made"


class Progress:
    """Shows lines; and when none comes, what is being worked on. For use in a `with` block.

    On a terminal one line counts the seconds, and makes way for the next. Elsewhere, in a CI
    service's log, there is a line each time `every` seconds pass in silence.

    Args:
        show: prints a line.
        step: what is being worked on before the first line.
        aside: prints what is shown in silence; `show` if not given.
        every: seconds of silence before a line that is kept.
        terminal: where a line can be written over; found out if not given, None for nowhere.
    """

    def __init__(
        self,
        show: Callable[[str], None] = say,
        *,
        step: str = "",
        aside: Callable[[str], None] | None = None,
        every: float = 10,
        terminal: TextIO | bool | None = True,
    ) -> None:
        self._show, self._every = show, every
        self._aside = aside or show
        self._terminal = _terminal() if isinstance(terminal, bool) else terminal
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._last, self._since, self._told = step, time.monotonic(), 0
        self._shown = self._failed = False
        self._thread = threading.Thread(target=self._watch, name="progress", daemon=True)

    def __enter__(self) -> Progress:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._clear()

    def show(self, text: str) -> None:
        """Print a line."""
        with self._lock:
            self._clear()
            self._last, self._since, self._told = text, time.monotonic(), 0
            self._failed = self._failed or plain(text).startswith("Error: ")
            self._show(text)

    def _watch(self) -> None:
        # Whoever read it may have gone: the next line of the command itself says so.
        with suppress(OSError, PlatformFault, ValueError):
            while not self._ended.wait(1 if self._terminal else self._every / 10):
                with self._lock:
                    self._beat(time.monotonic() - self._since)

    def _beat(self, silent: float) -> None:
        step = plain(self._last).strip().removesuffix("...").strip() or "working"
        # What follows an error is its remedy, and nobody works on that.
        step = _ENDING if self._failed else step
        step = step if len(step) <= _LONGEST else step[: _LONGEST - 1] + "…"
        if self._terminal:
            if silent >= 1:
                import shutil  # where there is no terminal it is not needed

                wide = shutil.get_terminal_size().columns - 1
                self._terminal.write(f"{_CLEAR}{f'  {silent:.0f} s: {step}'[:wide]}")
                self._terminal.flush()
                self._shown = True
        elif silent >= self._every * (self._told + 1):
            self._told += 1
            self._aside(f"    {silent:.0f} s: {step}")

    def _clear(self) -> None:
        if self._shown and self._terminal:
            with suppress(OSError, ValueError):
                self._terminal.write(_CLEAR)
                self._terminal.flush()
            self._shown = False


def at_work(step: str) -> Progress:
    """Tell, on standard error, that a command works on one step. For use in a `with` block.

    What a command prints when it is done is often read by programs.

    Args:
        step: what it does.
    """
    return Progress(partial(say, err=True), step=step)


def _terminal() -> TextIO | None:
    """Standard error, if that and standard output are a terminal that can go back in a line."""
    both = sys.stdout and sys.stderr and sys.stdout.isatty() and sys.stderr.isatty()
    return sys.stderr if both and os.environ.get("TERM", "dumb") != "dumb" else None

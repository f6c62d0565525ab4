"""What a buildpack prints: one heading, decisions with reasons, times for long steps.

    pip 0.1.0
      13 packages from requirements.txt
      Installing opencv-python-headless (64 MB): requirements changed ... 2.1 s

Plain text on stdout for the story, stderr for warnings and errors; the lifecycle merges
both. Nothing is coloured: the lifecycle never gives a buildpack a terminal.
"""

from __future__ import annotations

import sys
import time

from cnbkit.redact import Secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self, TextIO

__all__ = ["EVERY", "Log"]

EVERY = 9.0
"""Seconds after which something that works says so, in time for who shows a line each ten."""


class Log:
    """A buildpack's voice. Secrets show as `[redacted]`.

    Args:
        level: "debug" shows `debug` too, "warn" only warnings and errors, "error" only those.
        secrets: what is hidden; more may be added later.
    """

    def __init__(self, level: str = "info", secrets: Secrets | None = None) -> None:
        self.secrets = secrets or Secrets()
        self.verbose = level == "debug"
        self.quiet = level in ("warn", "error")
        self._warns = level != "error"
        self._steps = 0

    @classmethod
    def from_setting(cls, value: str, secrets: Secrets | None = None) -> Self:
        """As BP_LOG_LEVEL says: debug (or trace), info, warn, error; anything else is info."""
        level = value.strip().lower()
        return cls(
            {"trace": "debug", "warning": "warn", "fatal": "error"}.get(level, level), secrets
        )

    @staticmethod
    def counted(number: int, noun: str, plural: str = "") -> str:
        """A number with its noun: `1 package`, `2 packages`.

        Args:
            number: how many.
            noun: of one.
            plural: of several; the noun with an s if not given.
        """
        return f"{number} {noun if number == 1 else plural or f'{noun}s'}"

    def heading(self, text: str) -> None:
        """Name what speaks now."""
        if not self.quiet:
            self._write(sys.stdout, text)

    def info(self, text: str) -> None:
        """A decision or a result."""
        if not self.quiet:
            self._write(sys.stdout, _indent(text))

    def debug(self, text: str) -> None:
        """Something only a person hunting a fault wants to read."""
        if self.verbose:
            self._write(sys.stdout, _indent(text))

    def warning(self, text: str) -> None:
        """Something that may go wrong later."""
        if self._warns:
            self._write(sys.stderr, _indent(f"Warning: {text}"))

    def error(self, text: str) -> None:
        """Something that went wrong and does not end the build; raise a fault if it does."""
        self._write(sys.stderr, _indent(f"Error: {text}"))

    def warn_of_secrets(self, what: str, text: str) -> None:
        """Say so if something hidden is about to become part of the image.

        Args:
            what: names what holds it.
            text: all of it.
        """
        if self.secrets.stand_in(text):
            self.warning(f"{what} holds a secret, and becomes part of the image")

    def timed(self, text: str, so_far: Callable[[], str] | None = None) -> _Timed:
        """A long step: `with log.timed("Installing"): …` prints the text, then the seconds.

        While it lasts there is a line every ten seconds, wherever it is run.

        Args:
            text: what is done.
            so_far: says how much of it is done by now, like "12 of 90 MB"; called in a thread.
        """
        return _Timed(self, text, so_far)

    def still(self, seconds: float, text: str) -> None:
        """Say that something is worked on, unless a step of `timed` does so.

        Args:
            seconds: for how long by now.
            text: what it is.
        """
        if not self._steps:
            self.info(f"  {seconds:.0f} s: {text}")

    def _write(self, stream: TextIO, text: str) -> None:
        stream.write(self.secrets.redacted(text) + "\n")
        # What a child process prints has to come in order with what we print.
        stream.flush()


class _Timed:
    every = EVERY

    def __init__(self, log: Log, text: str, so_far: Callable[[], str] | None) -> None:
        self._log = log
        self._text = text
        self._so_far = so_far
        self._start = 0.0

    def __enter__(self) -> None:
        import threading  # few builds have anything that takes long

        self._log.info(f"{self._text} ...")
        self._log._steps += 1
        self._start = time.monotonic()
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._tell, name="timed", daemon=True)
        self._watch.start()

    def _tell(self) -> None:
        while not self._over.wait(self.every):
            done = self._so_far() if self._so_far else ""
            seconds = time.monotonic() - self._start
            self._log.info(f"  {seconds:.0f} s: {self._text}{': ' if done else ''}{done}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._over.set()
        self._watch.join()
        self._log._steps -= 1
        if kind is None:
            self._log.info(f"  done in {time.monotonic() - self._start:.1f} s")


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())

"""Waiting for work that goes on in threads, and saying meanwhile how far it has come."""

from __future__ import annotations

from concurrent.futures import wait
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

__all__ = ["await_all"]

# Seconds: a log that is silent for longer looks as if nothing went on.
_EVERY = 9.0


def await_all(
    tasks: Sequence[Future[Any]], say: Callable[[int], None], every: float = _EVERY
) -> None:
    """Wait until all are done, or one has failed.

    Args:
        tasks: the work.
        say: is told how many are done, each time that `every` seconds have passed.
        every: seconds.
    """
    done: set[Future[Any]] = set()
    while len(done) < len(tasks):
        done = wait(tasks, timeout=every).done
        if any(each.exception() for each in done):
            return
        if len(done) < len(tasks):
            say(len(done))

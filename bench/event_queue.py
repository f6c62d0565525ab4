"""Simulated time, and what waits in it: rates, and queues with several workers."""

from __future__ import annotations

import heapq
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Bucket", "Clock", "Queue"]


class Clock:
    """What happens, in the order of its time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def after(self, seconds: float, happens: Callable[[], None]) -> None:
        """Call something when so much time has passed."""
        self._count += 1
        heapq.heappush(self._events, (self.now + seconds, self._count, happens))

    def step(self) -> bool:
        """Go on to what happens next; False if nothing does."""
        if not self._events:
            return False
        self.now, _, happens = heapq.heappop(self._events)
        happens()
        return True


class Bucket:
    """golang.org/x/time/rate: tokens may be owed, and who takes one is told how long to wait."""

    def __init__(self, clock: Clock, rate: float, burst: int) -> None:
        self._clock, self._rate, self._burst = clock, rate, burst
        self._tokens, self._at = float(burst), 0.0
        self.taken = 0

    def take(self, count: int = 1) -> float:
        """Take some; returns how long to wait for them."""
        now = self._clock.now
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate) - count
        self._at = now
        self.taken += count
        return max(0.0, -self._tokens / self._rate)


class Queue:
    """client-go's work queue with its workers and its default rate limiter for failures.

    Args:
        clock: tells the time.
        workers: how many keys are worked on at once.
        work: begins with a key; returns seconds and what is true at their end, which in turn
            returns whether it succeeded.
    """

    def __init__(
        self,
        clock: Clock,
        workers: int,
        work: Callable[[int], tuple[float, Callable[[], bool]]],
    ) -> None:
        self._clock, self._idle, self._work = clock, workers, work
        self._keys: deque[int] = deque()
        self._dirty: set[int] = set()
        self._busy: set[int] = set()
        self._failures: dict[int, int] = {}
        self._retries = Bucket(clock, 10, 100)

    def add(self, key: int) -> None:
        """Have it worked on, once however often it is added meanwhile."""
        if key not in self._dirty:
            self._dirty.add(key)
            if key not in self._busy:
                self._keys.append(key)
                self._start()

    def _start(self) -> None:
        while self._idle and self._keys:
            self._idle -= 1
            key = self._keys.popleft()
            self._dirty.discard(key)
            self._busy.add(key)
            seconds, end = self._work(key)
            self._clock.after(seconds, lambda key=key, end=end: self._end(key, end))  # type: ignore[misc]

    def _end(self, key: int, end: Callable[[], bool]) -> None:
        succeeded = end()
        self._busy.discard(key)
        self._idle += 1
        if key in self._dirty:
            self._keys.append(key)
        if succeeded:
            self._failures.pop(key, None)
        else:
            failures = self._failures.get(key, 0)
            self._failures[key] = failures + 1
            wait = max(min(0.005 * 2 ** min(failures, 30), 1000.0), self._retries.take())
            self._clock.after(wait, lambda: self.add(key))
        self._start()

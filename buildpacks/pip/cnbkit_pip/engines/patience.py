"""A line now and then while a program is silent: compiling, or waiting for an index."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["patient"]

_EVERY = 30.0


@contextmanager
def patient(say: Callable[[str], None], what: str, every: float = _EVERY) -> Iterator[None]:
    """Say that something still runs, until it is over.

    Args:
        say: takes a line.
        what: for people: "uv resolves".
        every: seconds between two lines.
    """
    over = threading.Event()
    began = time.monotonic()

    def tell() -> None:
        while not over.wait(every):
            say(f"Still at it after {time.monotonic() - began:.0f} s: {what}")

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()

"""A line now and then while a program is silent: compiling, or waiting for an index."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager

from cnbkit import Log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cnbkit import BuildContext

__all__ = ["fetched", "patient", "uv_cache"]

# Whoever watches shows a line of their own after ten.
_EVERY = 9.0
_ARCHIVES = "archive-v0"


@contextmanager
def patient(
    say: Callable[[str], None],
    what: str,
    every: float = _EVERY,
    so_far: Callable[[], str] | None = None,
) -> Iterator[None]:
    """Say that something still runs, until it is over.

    Args:
        say: takes a line.
        what: for people: "uv resolves".
        every: seconds between two lines.
        so_far: says how much is done by now.
    """
    over = threading.Event()
    began = time.monotonic()

    def tell() -> None:
        while not over.wait(every):
            done = so_far() if so_far else ""
            seconds = time.monotonic() - began
            say(f"Still at it after {seconds:.0f} s: {what}{', ' if done else ''}{done}")

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def uv_cache(ctx: BuildContext) -> str:
    """Uv's cache: on the layers' file system, so that wheels are linked and not copied."""
    return f"{ctx.fetched}/uv"


def fetched(cache: str) -> str:
    """How much uv's cache has by now; empty if it is empty.

    Args:
        cache: its folder.
    """
    archives = f"{cache}/{_ARCHIVES}"
    try:
        names = [name for name in os.listdir(archives) if not name.startswith(".")]
    except OSError:
        names = []
    size = _size(cache)
    if not size:
        return ""
    return f"{Log.counted(len(names), 'package')} and {size / 1e6:.1f} MB unpacked by now"


def _size(folder: str) -> int:
    """Bytes of all files below; what goes away meanwhile is passed over."""
    size = 0
    try:
        with os.scandir(folder) as entries:
            for each in entries:
                if each.is_dir(follow_symlinks=False):
                    size += _size(each.path)
                elif each.is_file(follow_symlinks=False):
                    size += each.stat(follow_symlinks=False).st_size
    except OSError:
        return size
    return size

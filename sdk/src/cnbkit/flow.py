"""What comes of an answer, as long as it comes."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from urllib3 import BaseHTTPResponse

__all__ = ["TooSlow", "pieces"]

# A line that brings less in that time brings nothing: bytes and seconds.
_LEAST, _WINDOW = 64_000, 60.0


class TooSlow(OSError):
    """An answer comes drop by drop."""


def pieces(answer: BaseHTTPResponse, size: int) -> Iterator[bytes]:
    """The body of an answer in pieces of at most some bytes, each as soon as it is there.

    Raises:
        TooSlow: hardly anything comes; no silence is long enough to say so.
        OSError, urllib3.exceptions.HTTPError: the connection breaks.
    """
    begun, came = time.monotonic(), 0
    while piece := answer.read1(size):
        came += len(piece)
        if time.monotonic() - begun > _WINDOW:
            if came < _LEAST:
                answer.close()
                raise TooSlow(f"it came to {came} bytes in {_WINDOW:g} s")
            begun, came = time.monotonic(), 0
        yield piece

"""Layers compressed by zstd, which registries and engines of today take (RFC 8878).

Python 3.14 brings the library; for those before, backports.zstd is the same code.
"""

from __future__ import annotations

import sys
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["MAGIC", "BadZstd", "compress", "open_zstd"]

MAGIC = b"\x28\xb5\x2f\xfd"

# Measured by bench/compression.py: the fifth level takes nearly twice the time for a twentieth.
_LEVEL = 3
# What a frame may make its reader keep in memory, as a power of two: 128 MB, the library's own
# limit and more than any level but the three "ultra" ones asks for.
_WINDOW = 27


class BadZstd(OSError):
    """It is not what the format says; without an `errno`, as gzip's readers have theirs."""


def compress(pieces: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """Compress, in one frame and one thread: several would cut the data by their number."""
    packer = _library().ZstdCompressor(level=_LEVEL)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def open_zstd(blob: IO[bytes]) -> IO[bytes]:
    """What a file holds, to be read strictly forward; never more in memory than is asked for.

    Reading raises BadZstd where it is damaged, and EOFError where it is cut off.
    """
    return _Reader(blob)  # type: ignore[return-value]


class _Reader:
    """Errors of the library as those that gzip's reader has, too."""

    def __init__(self, blob: IO[bytes]) -> None:
        zstd = _library()
        self._error = zstd.ZstdError
        options = {zstd.DecompressionParameter.window_log_max: _WINDOW}
        self._file = zstd.ZstdFile(blob, options=options)

    def read(self, size: int = -1) -> bytes:
        try:
            data: bytes = self._file.read(size)
        except self._error as error:
            raise BadZstd(f"not zstd, or more than it may take: {error}") from None
        return data

    def close(self) -> None:
        self._file.close()


def _library() -> Any:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd

"""Layers compressed: bytes that depend on the archive alone.

A layer that is compressed to other bytes than last time has another digest, and is sent to the
registry and to every machine again, though nothing in it changed. So neither how the archive comes
in pieces nor the machine may show in the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from isal import isal_zlib

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["GZIP", "KINDS", "ZSTD", "compressed"]

GZIP, ZSTD = KINDS = ("gzip", "zstd")

_GZIP = 31  # the window of 32 KiB, with gzip's header, which has neither name nor time
# Go's fastest level makes it no smaller, in five times the time. Of this library's levels 0 to 2
# are the same bytes on every processor since SSE 4.2; level 3 is not.
_LEVEL = 2
_PIECE = 1 << 18  # bytes


def compressed(archive: Iterable[bytes], kind: str = GZIP) -> Iterator[bytes]:
    """An archive as a compressed file.

    Args:
        archive: its bytes, in pieces of any size.
        kind: one of `KINDS`.
    """
    if kind == ZSTD:
        from cnbkit_engine.oci.zstd import compress  # few builds ask for it

        yield from compress(_equal(archive))
        return
    packed = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _GZIP)
    for piece in _equal(archive):
        yield packed.compress(piece)
    yield packed.flush()


def _equal(archive: Iterable[bytes]) -> Iterator[bytes | memoryview]:
    """The same bytes in pieces of one size: the compressor ends a block where a piece ends."""
    rest = b""
    for piece in archive:
        data = memoryview(rest + piece if rest else piece)
        whole = len(data) - len(data) % _PIECE
        for start in range(0, whole, _PIECE):
            yield data[start : start + _PIECE]
        rest = bytes(data[whole:])
    if rest:
        yield rest

"""Text that stays with the image (store.toml): there when the cache of its builds is gone.

A machine that has the previous image and no cache, as in most CI services, still reuses that
image's layers. What was found out about their contents has to come with them.
"""

from __future__ import annotations

import binascii
import zlib

__all__ = ["packed", "unpacked"]

# The image's configuration has it, which is read with every image; and it comes from outside.
_MOST_PACKED = 400_000
_MOST = 64 << 20


def packed(data: bytes) -> str:
    """As a short text, the same for the same data; empty if even that is too long."""
    text = binascii.b2a_base64(zlib.compress(data, 9), newline=False).decode()
    return text if len(text) <= _MOST_PACKED else ""


def unpacked(value: object) -> bytes:
    """What was packed; empty if a value is none such."""
    if not isinstance(value, str):
        return b""
    try:
        packer = zlib.decompressobj()
        data = packer.decompress(binascii.a2b_base64(value), _MOST)
    except (ValueError, zlib.error):
        return b""
    return data if packer.eof else b""

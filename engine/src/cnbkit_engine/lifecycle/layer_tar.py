"""A layer's folder as a tar archive, byte for byte as the lifecycle would write it.

An image's layer is known by the digest of its archive, so whoever wants to compress layers in the
lifecycle's place must write the very archive that it would: the folder's parents, the folder, and
all in it by name, each with the build's user, no user names and one date, in the oldest of tar's
formats that can hold the entry (lifecycle `archive/` and `layers/`, Go's `archive/tar`).
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from cnbkit_engine.state.beneath import Unfit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnbkit_engine.state.beneath import Folder

__all__ = ["Unusual", "layer_tar"]

_BLOCK = 512
_EXTENDED = b"x"
_PIECE = 1 << 20  # bytes
_TIME = 315532801  # 1980-01-01 00:00:01 UTC, the lifecycle's date for everything
_DEEPEST = 100  # folders below a layer; each is open while what it holds is read
_LARGEST = 1 << 33  # bytes that eleven octal digits cannot count


class Unusual(Exception):
    """The folder holds something that only the lifecycle itself should archive."""


def layer_tar(top: Folder, place: str, inside: str, *, uid: int, gid: int) -> Iterator[bytes]:
    """The archive, in pieces of about 1 MiB.

    Args:
        top: the layers folder.
        place: the layer's folder below it: a buildpack's folder, `/`, and the layer's name.
        inside: what the layers folder is called in the image: one folder below its root.
        uid: owner of every entry.
        gid: group of every entry.

    Raises:
        Unusual: there is a device, a pipe, a socket or a file of more than 8 GiB; or folders are
            nested very deep.
        OSError: something cannot be read, or was replaced meanwhile.
    """
    buffer = bytearray()
    for piece in _entries(top, place, inside, _Owner(uid, gid)):
        buffer += piece
        if len(buffer) >= _PIECE:
            yield bytes(buffer)
            buffer.clear()
    buffer += bytes(2 * _BLOCK)
    yield bytes(buffer)


class _Owner:
    """Turns what `lstat` says into headers."""

    def __init__(self, uid: int, gid: int) -> None:
        self._ids = (uid, gid)

    def header(self, name: bytes, status: os.stat_result, link: bytes = b"") -> bytes:
        size = 0
        if stat.S_ISDIR(status.st_mode):
            kind = b"5"
        elif stat.S_ISLNK(status.st_mode):
            kind = b"2"
        elif stat.S_ISREG(status.st_mode) and status.st_size < _LARGEST:
            kind, size = b"0", status.st_size
        else:
            raise Unusual(os.fsdecode(name))
        mode = stat.S_IMODE(status.st_mode)
        if _plain(link):
            if _plain(name):
                return self._block(name, b"", kind, link, mode, size)
            if split := _split(name):
                return self._block(split[1], split[0], kind, link, mode, size)
        records = b""
        if not _plain(link):
            records += _record(b"linkpath", link)
        if not _plain(name):
            records += _record(b"path", name)
        parent, _, last = name.rpartition(b"/")
        extended = _ascii(parent + b"/PaxHeaders.0/" + last)[:100].rstrip(b"/")
        return b"".join(
            (
                _with_sum(extended, b"", _EXTENDED, b"", (0, 0, 0), len(records), 0),
                records,
                bytes(-len(records) % _BLOCK),
                self._block(_cut(_ascii(name)), b"", kind, _cut(_ascii(link)), mode, size),
            )
        )

    def _block(
        self, name: bytes, prefix: bytes, kind: bytes, link: bytes, mode: int, size: int
    ) -> bytes:
        return _with_sum(name, prefix, kind, link, (mode, *self._ids), size, _TIME)


def _entries(top: Folder, place: str, inside: str, owner: _Owner) -> Iterator[bytes]:
    # The folders above the layer come first.
    name = os.fsencode(inside)
    yield owner.header(name, top.status())
    parent, _, last = place.rpartition("/")
    yield owner.header(name + b"/" + os.fsencode(parent), top.status(parent))
    with top.folder(parent) as folder:
        yield from _walk(folder, last, name + b"/" + os.fsencode(place), owner, 0)


def _walk(folder: Folder, name: str, inside: bytes, owner: _Owner, depth: int) -> Iterator[bytes]:
    if depth > _DEEPEST:
        raise Unusual(os.fsdecode(inside))
    status = folder.status(name)
    if stat.S_ISLNK(status.st_mode):
        yield owner.header(inside, status, os.fsencode(folder.link(name)))
    elif stat.S_ISDIR(status.st_mode):
        yield owner.header(inside, status)
        with folder.folder(name) as deeper:
            for child in deeper.names():
                place = inside + b"/" + os.fsencode(child)
                yield from _walk(deeper, child, place, owner, depth + 1)
    else:
        yield owner.header(inside, status)
        yield from _contents(folder, name, status.st_size)


def _contents(folder: Folder, name: str, size: int) -> Iterator[bytes]:
    try:
        handle = folder.open_file(name)
    except Unfit as unfit:
        raise Unusual(name) from unfit
    left = size
    try:
        while left > 0 and (data := os.read(handle, min(_PIECE, left))):
            left -= len(data)
            yield data
    finally:
        os.close(handle)
    if left:
        raise Unusual(name)  # it shrank while it was read
    yield bytes(-size % _BLOCK)


def _with_sum(
    name: bytes,
    prefix: bytes,
    kind: bytes,
    link: bytes,
    numbers: tuple[int, int, int],
    size: int,
    time: int,
) -> bytes:
    """A header block in the format of POSIX.1-1988, with its sum."""
    fields = b"%b%07o\0%07o\0%07o\0%011o\0%011o\0        %b%bustar\x0000%64b%16b%b%12b"
    devices = bytes(16) if kind == _EXTENDED else b"0000000\x000000000\0"
    block = fields % (
        name.ljust(100, b"\0"), *numbers, size, time, kind, link.ljust(100, b"\0"),
        bytes(64), devices, prefix.ljust(155, b"\0"), bytes(12),
    )  # fmt: skip
    return b"%b%06o\0 %b" % (block[:148], sum(block), block[156:])


def _plain(text: bytes) -> bool:
    """Whether it fits the oldest format's field."""
    return len(text) <= 100 and text.isascii()


def _split(name: bytes) -> tuple[bytes, bytes] | None:
    """A long path as prefix and name, if both fit."""
    if not name.isascii():
        return None
    place = name.rfind(b"/", 0, 156)
    if place <= 0 or not 0 < len(name) - place - 1 <= 100:
        return None
    return name[:place], name[place + 1 :]


def _record(key: bytes, value: bytes) -> bytes:
    """A record of an extended header; it begins with its own length."""
    size = len(key) + len(value) + 3
    size += len(str(size))
    record = b"%d %b=%b\n" % (size, key, value)
    if len(record) != size:
        record = b"%d %b=%b\n" % (len(record), key, value)
    return record


def _ascii(text: bytes) -> bytes:
    return bytes(char for char in text if char < 0x80)


def _cut(text: bytes) -> bytes:
    """The start of a text that is too long; not ending in `/`, which would make it a folder."""
    if len(text) <= 100:
        return text
    start = text[:100]
    if start.endswith(b"/"):
        end = len(start.rstrip(b"/"))
        start = start[:end] + b"\0" + start[end + 1 :]
    return start

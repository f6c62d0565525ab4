"""Shared libraries without the symbols that debuggers want.

`strip` moves what stays, and libraries that were given other paths after they were linked (wheels
are) have not always survived that. So what it makes is taken only if the loader maps the very bytes
it mapped before, at the same addresses: then nothing that runs can tell the difference.
"""

from __future__ import annotations

import os
import shutil
import struct
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from cnbkit import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import IO

    from cnbkit import BuildContext

__all__ = ["same_when_loaded", "without_symbols"]

_LOAD = 1
_PIECE = 1 << 20
# Where the section headers are: strip writes them anew, and no loader reads them.
_SECTIONS = (slice(40, 48), slice(58, 64))


def without_symbols(ctx: BuildContext, paths: Iterable[str]) -> list[str]:
    """Strip libraries in place; returns those that have become smaller.

    Args:
        ctx: the build.
        paths: of files; what is no ELF file stays.
    """
    program = shutil.which("strip", path=ctx.env.get("PATH"))
    if program is None:
        ctx.log.info("Symbols for debuggers stay: the build image has no `strip`")
        return []

    def stripped(path: str) -> bool:
        if not _is_elf(path):
            return False
        new = f"{path}.stripped"
        try:
            ctx.run(program, "--strip-debug", "--strip-unneeded", "-o", new, path, quiet=True)
            smaller = os.stat(new).st_size < os.stat(path).st_size
            if not smaller or not same_when_loaded(path, new):
                return False
            os.chmod(new, os.stat(path).st_mode & 0o7777)
            # Not into the file itself: the installer's cache may have the same one.
            os.replace(new, path)
        except CommandFailed:
            return False  # what it cannot read stays as it is
        finally:
            if os.path.lexists(new):
                os.unlink(new)
        return True

    found = list(paths)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = list(pool.map(stripped, found))
    return [path for path, changed in zip(found, done, strict=True) if changed]


class _Segment(NamedTuple):
    kind: int
    flags: int
    offset: int
    address: int
    in_file: int
    in_memory: int
    alignment: int


def same_when_loaded(one: str, other: str) -> bool:
    """Whether the loader maps the same bytes of two ELF files at the same addresses."""
    with open(one, "rb") as first, open(other, "rb") as second:
        try:
            pairs = list(zip(_segments(first), _segments(second), strict=True))
        except (struct.error, ValueError):
            return False
        for before, after in pairs:
            if before._replace(offset=0) != after._replace(offset=0):
                return False
            if before.kind != _LOAD:
                continue
            # Mapped are whole pages: the place in the file has to fit the address.
            if after.alignment > 1 and (after.offset - after.address) % after.alignment:
                return False
            if not _same(first, second, before, after):
                return False
    return True


def _same(first: IO[bytes], second: IO[bytes], before: _Segment, after: _Segment) -> bool:
    first.seek(before.offset)
    second.seek(after.offset)
    left, start = before.in_file, before.offset
    while left:
        one, other = (bytearray(file.read(min(left, _PIECE))) for file in (first, second))
        if start == 0:  # with the file's own header, and the table of segments behind it
            if after.offset:
                return False
            one, other = _without_places(one), _without_places(other)
        if not one or one != other:
            return False
        left -= len(one)
        start += len(one)
    return True


def _without_places(data: bytearray) -> bytearray:
    """The begin of a file without what says where in the file something is."""
    for part in _SECTIONS:
        data[part] = bytes(part.stop - part.start)
    (at,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for number in range(count):
        place = at + number * size + 8
        if place + 8 <= len(data):
            data[place : place + 8] = bytes(8)
    return data


def _segments(file: IO[bytes]) -> list[_Segment]:
    file.seek(0)
    header = file.read(64)
    (at,) = struct.unpack_from("<Q", header, 32)
    size, count = struct.unpack_from("<HH", header, 54)
    file.seek(at)
    table = file.read(size * count)
    found = []
    for number in range(count):
        kind, flags, offset, address, _, in_file, in_memory, alignment = struct.unpack_from(
            "<IIQQQQQQ", table, size * number
        )
        found.append(_Segment(kind, flags, offset, address, in_file, in_memory, alignment))
    return found


def _is_elf(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(6) == b"\x7fELF\x02\x01"

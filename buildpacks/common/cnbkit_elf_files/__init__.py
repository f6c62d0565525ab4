"""Read what an ELF file needs (System V ABI, "Dynamic Section"); little-endian and 64 bits only.

That is what amd64 and arm64 have. Only the few pages that matter are read: a scientific stack has
hundreds of such files, and a general reader takes seconds for them.
"""

from __future__ import annotations

import struct
from typing import IO, NamedTuple

__all__ = ["MACHINES", "Dynamic", "read_elf"]

MACHINES = {"amd64": 62, "arm64": 183}
"""`e_machine` by architecture."""

_LOAD, _DYNAMIC = 1, 2
_NEEDED, _STRTAB, _STRSZ, _SONAME, _RPATH, _RUNPATH = 1, 5, 10, 14, 15, 29
_EXECUTABLE, _SHARED = 2, 3
# No real file comes near; a damaged one may say anything.
_LONGEST = 1 << 26


class Dynamic(NamedTuple):
    """What a file tells the loader.

    Attributes:
        needed: names of libraries.
        search: folders to look for them; with `$ORIGIN` where it says so.
        soname: its own name; may be empty.
    """

    needed: list[str]
    search: list[str]
    soname: str


def read_elf(path: str, machine: int) -> Dynamic | None:
    """Read a file; None if it is not a program or shared library for a machine, or damaged.

    Args:
        path: any file.
        machine: one of `MACHINES`.
    """
    with open(path, "rb") as file:
        header = file.read(64)
        if not header.startswith(b"\x7fELF\x02\x01") or len(header) < 64:
            return None
        kind, found = struct.unpack_from("<HH", header, 16)
        if found != machine or kind not in (_EXECUTABLE, _SHARED):
            return None
        try:
            return _dynamic(file, header)
        except (struct.error, ValueError, OverflowError, OSError):
            return None


def _dynamic(file: IO[bytes], header: bytes) -> Dynamic:
    (at,) = struct.unpack_from("<Q", header, 32)
    size, count = struct.unpack_from("<HH", header, 54)
    table = _bytes(file, at, size * count)
    segments = [struct.unpack_from("<IIQQQQ", table, size * number) for number in range(count)]
    entries: list[tuple[int, int]] = []
    for kind, _, offset, _, _, length in segments:
        if kind == _DYNAMIC:
            data = _bytes(file, offset, length - length % 16)
            entries += struct.iter_unpack("<QQ", data)
    if (0, 0) in entries:
        del entries[entries.index((0, 0)) :]
    values = dict(entries)
    if _STRTAB not in values:
        return Dynamic([], [], "")  # statically linked
    address = values[_STRTAB]
    for kind, _, offset, start, _, length in segments:
        if kind == _LOAD and start <= address < start + length:
            strings = _bytes(file, offset + address - start, values.get(_STRSZ, 0))
            break
    else:
        raise ValueError("the names are in no segment")

    def named(tag: int) -> list[str]:
        ends = ((value, strings.index(b"\0", value)) for found, value in entries if found == tag)
        return [strings[start:end].decode() for start, end in ends]

    search = [each for tag in (_RPATH, _RUNPATH) for text in named(tag) for each in text.split(":")]
    return Dynamic(named(_NEEDED), [each for each in search if each], "".join(named(_SONAME)[:1]))


def _bytes(file: IO[bytes], offset: int, length: int) -> bytes:
    if length > _LONGEST:
        raise ValueError("longer than any file")
    file.seek(offset)
    data = file.read(length)
    if len(data) < length:
        raise ValueError("the file ends before")
    return data

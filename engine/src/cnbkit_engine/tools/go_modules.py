"""What a Go program was built from: the modules that Go's linker writes down in it.

It is what `go version -m` shows; the layout is that of Go's package debug/buildinfo since 1.18.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BuiltFrom", "Module", "built_from"]

_MAGIC = b"\xff Go buildinf:"
_ALIGNED = 16  # where the magic bytes may stand
_HEADER = 32  # bytes up to the first text
_INLINE = 2  # the flag that says that the texts follow
_FRAME = 16  # bytes of chance before and after the list of modules


@dataclass(frozen=True)
class Module:
    """A Go module.

    Attributes:
        path: `github.com/pkg/errors`.
        version: `v0.9.1`.
        digest: of its source, as go.sum has it: `h1:…`; may be empty.
    """

    path: str
    version: str
    digest: str = ""


@dataclass(frozen=True)
class BuiltFrom:
    """What a program was built from.

    Attributes:
        go: the compiler's version, `1.26.8`; its library is in the program.
        main: the module that the program belongs to.
        modules: the other ones, by path.
    """

    go: str
    main: Module
    modules: tuple[Module, ...]


def built_from(program: Path) -> BuiltFrom:
    """Read it.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not a program built by Go from modules.
    """
    with (
        program.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        place = data.find(_MAGIC)
        while place >= 0:
            # Go's own packages have the same bytes, as a constant anywhere.
            if place % _ALIGNED == 0 and data[place + len(_MAGIC) + 1] & _INLINE:
                go, after = _text(data, place + _HEADER)
                listed, _ = _text(data, after)
                return _read(go.decode(), listed[_FRAME:-_FRAME].decode())
            place = data.find(_MAGIC, place + 1)
    raise ValueError(f"{program} does not say what Go modules it was built from")


def _text(data: mmap.mmap, place: int) -> tuple[bytes, int]:
    """A text after its length, and where it ends. The length has seven bits a byte."""
    length = shift = 0
    while True:
        byte = data[place]
        place += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return data[place : place + length], place + length


def _read(go: str, listed: str) -> BuiltFrom:
    main: Module | None = None
    modules: list[Module] = []
    for line in listed.splitlines():
        kind, *words = line.split("\t")
        if kind == "mod":
            main = Module(*words[:3])
        elif kind == "dep":
            modules.append(Module(*words[:3]))
        elif kind == "=>":  # what stands in for the one before
            modules[-1] = Module(*words[:3])
    if main is None:
        raise ValueError("a program that was not built from a module")
    ordered = sorted(modules, key=lambda module: module.path)
    return BuiltFrom(go.split()[0].removeprefix("go"), main, tuple(ordered))

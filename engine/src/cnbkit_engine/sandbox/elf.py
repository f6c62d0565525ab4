"""Which processor a program is for, by its ELF header (elf(5))."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["architecture_of"]

_MACHINES = {62: "amd64", 183: "arm64"}  # e_machine
_64_BITS = b"\x7fELF\x02"


def architecture_of(program: Path) -> str:
    """`amd64` or `arm64`; empty for every other processor, and for what is not a program.

    Raises:
        OSError: it cannot be read.
    """
    with program.open("rb") as file:
        head = file.read(20)
    if not head.startswith(_64_BITS):
        return ""
    return _MACHINES.get(int.from_bytes(head[18:20], "little"), "")

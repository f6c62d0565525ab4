"""Compares an unpacked layer with the blob it is from."""

from __future__ import annotations

import os
import stat
import tarfile
from typing import IO, TYPE_CHECKING

from cnbkit.errors import CnbkitError
from cnbkit_engine.oci.store import PIECE
from cnbkit_engine.oci.unpack import open_layer

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["is_unpacked_right"]


def is_unpacked_right(blob: Path, folder: Path) -> bool:
    """Whether every regular file of a layer is in its folder with its content."""
    wrong: set[str] = set()
    try:
        with blob.open("rb") as file, open_layer(file) as archive:
            for member in archive:
                archive.members = []  # type: ignore[attr-defined]
                wrong.discard(member.name)  # a later entry of the same name replaces it
                if member.isreg() and not _is_there(archive, member, folder):
                    wrong.add(member.name)
    except (CnbkitError, tarfile.TarError, OSError, EOFError, ValueError):
        return False
    return not wrong


def _is_there(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> bool:
    name = member.name.strip("/").removeprefix("./")
    if os.path.basename(name).startswith(".wh."):
        return True
    path = folder / name
    try:
        status = path.lstat()
    except OSError:
        return False
    if not stat.S_ISREG(status.st_mode) or status.st_size != member.size:
        return False
    source = archive.extractfile(member)
    with path.open("rb") as file:
        return source is not None and _same(source, file)


def _same(one: IO[bytes], other: IO[bytes]) -> bool:
    while True:
        first, second = one.read(PIECE), other.read(PIECE)
        if first != second:
            return False
        if not first:
            return True

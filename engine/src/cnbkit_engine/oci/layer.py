"""Image layers that are the same bytes whoever writes them, where and when."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING

from cnbkit.errors import BuildpackFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from typing_extensions import Buffer

__all__ = ["TIME", "Entry", "folder_entries", "linked_entries", "write_layer"]

TIME = 315_532_801
"""Every file's time, in seconds: 1980-01-01 00:00:01 UTC, as in the lifecycle's own layers."""

_WORTH_A_LINK = 513  # bytes: a name takes a header of 512


@dataclass(frozen=True)
class Entry:
    """A file, folder or link of a layer.

    Args:
        name: its absolute path in the image.
        content: a file's, as a path or as bytes; None for a folder or link.
        link: where a symbolic link points.
        same_as: name of an earlier file of the layer that this is another name of.
        mode: permission bits.
        owner: uid and gid.
    """

    name: str
    content: Path | bytes | None = None
    link: str = ""
    same_as: str = ""
    mode: int = 0o755
    owner: tuple[int, int] = (0, 0)


def folder_entries(folder: Path, place: str) -> Iterator[Entry]:
    """All that is below a folder, sorted, as it goes to `place` in the image.

    Of modes only "executable or not" is kept: the rest is the packager's umask.

    Raises:
        BuildpackFault: there is a file that cannot be packaged; says why.
    """
    # Sorted by their parts, so that a folder stands before what is in it.
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).parts):
        name = f"{place}/{path.relative_to(folder).as_posix()}"
        if ".." in name:
            raise BuildpackFault(
                "a file's name holds two dots in a row, which pack refuses",
                where=str(path),
                remedy="rename it, or leave it out",
            )
        if path.is_symlink():
            yield Entry(name, link=os.readlink(path), mode=0o777)
        elif path.is_dir():
            yield Entry(name)
        elif path.is_file():
            yield Entry(name, path, mode=0o755 if path.stat().st_mode & 0o111 else 0o644)
        else:
            raise BuildpackFault(
                "neither a file, nor a folder, nor a link",
                where=str(path),
                remedy="remove it",
            )


def linked_entries(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The same entries, where each file whose bytes and mode were there before is a name of that.

    Raises:
        OSError: a file cannot be read.
    """
    there: dict[tuple[str, int, tuple[int, int]], str] = {}
    known: dict[tuple[int, int], str] = {}  # files that are one on this disk are read once
    for entry in entries:
        if not isinstance(entry.content, bytes | None):
            with entry.content.open("rb") as file:
                status = os.fstat(file.fileno())
                place = (status.st_dev, status.st_ino)
                if place not in known:
                    known[place] = hashlib.file_digest(file, "sha256").hexdigest()
            key = (known[place], entry.mode, entry.owner)
            if status.st_size >= _WORTH_A_LINK and there.setdefault(key, entry.name) != entry.name:
                yield replace(entry, content=None, same_as=there[key])
                continue
        yield entry


def write_layer(entries: Iterable[Entry], out: IO[bytes]) -> str:
    """Write a gzip-compressed layer; returns its diffID.

    Raises:
        OSError: a file cannot be read, or `out` not be written.
    """
    # Neither a file name nor a time in gzip's header.
    with gzip.GzipFile(fileobj=out, mode="wb", filename="", mtime=0, compresslevel=6) as packed:
        layer = _Hashed(packed)
        with tarfile.open(fileobj=layer, mode="w|", format=tarfile.PAX_FORMAT) as archive:
            for entry in entries:
                _add(archive, entry)
    return f"sha256:{layer.hash.hexdigest()}"


def _add(archive: tarfile.TarFile, entry: Entry) -> None:
    # A bare TarInfo has no names of owners.
    item = tarfile.TarInfo(entry.name)
    item.mode, item.mtime, (item.uid, item.gid) = entry.mode, TIME, entry.owner
    if entry.link:
        item.type, item.linkname = tarfile.SYMTYPE, entry.link
        archive.addfile(item)
    elif entry.same_as:
        item.type, item.linkname = tarfile.LNKTYPE, entry.same_as
        archive.addfile(item)
    elif entry.content is None:
        item.type = tarfile.DIRTYPE
        archive.addfile(item)
    elif isinstance(entry.content, bytes):
        item.size = len(entry.content)
        archive.addfile(item, io.BytesIO(entry.content))
    else:
        with entry.content.open("rb") as file:
            item.size = os.fstat(file.fileno()).st_size
            archive.addfile(item, file)


class _Hashed(io.RawIOBase):
    """A file to write to that hashes what passes."""

    def __init__(self, target: gzip.GzipFile) -> None:
        super().__init__()
        self.hash = hashlib.sha256()
        self._target = target

    def write(self, data: Buffer) -> int:
        self.hash.update(data)
        return self._target.write(data)

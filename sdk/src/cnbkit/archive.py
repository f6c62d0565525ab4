"""Unpacking what was downloaded: tar with any compression, zip, deb, or one packed file.

What an archive is, its first bytes tell. Names and links that lead out of the folder are refused
before they are followed, and so are devices; owners and set-user-ID bits are not taken over.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import os
import stat
import tarfile
import tempfile
import zipfile
import zlib

from cnbkit.archive_folder import ArchiveFolder, most_of
from cnbkit.errors import BuildpackFault, PlatformFault
from cnbkit.tar_header import BoundedHeader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

__all__ = ["unpack"]

_FULL = (errno.ENOSPC, errno.EDQUOT)
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, ValueError)
_PATH = 4096
_GZIP, _BZIP2, _XZ, _ZSTD = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"
_ZIP, _AR = (b"PK\x03\x04", b"PK\x05\x06"), b"!<arch>\n"


def unpack(archive: str, to: str, *, strip: int = 0) -> None:
    """Unpack an archive into a folder; see `BuildContext.unpack`."""
    if not os.path.isfile(archive):
        raise BuildpackFault(
            f"there is no archive {archive} to unpack",
            remedy="give the path of a file, such as ctx.download(dependency) returns",
        )
    try:
        with open(archive, "rb") as file:
            os.makedirs(to, exist_ok=True)
            _unpack(file, os.path.basename(archive), ArchiveFolder(archive, to, strip))
    except _BROKEN as error:
        raise BuildpackFault(
            f"{os.path.basename(archive)} is damaged: {error or type(error).__name__}",
            where=archive,
            remedy="check that its address gives the archive, and not a page about it",
        ) from None
    except OSError as error:
        # The readers of gzip and bzip2 say so what is wrong with the file.
        if error.errno is None:
            raise BuildpackFault(
                f"{os.path.basename(archive)} is damaged: {error}",
                where=archive,
                remedy="check that its address gives the archive, and not a page about it",
            ) from None
        raise PlatformFault(
            f"cannot unpack {os.path.basename(archive)}: {error.strerror}",
            where=str(error.filename or to),
            remedy="free some space, or give the build a larger disk"
            if error.errno in _FULL
            else "make it a folder that the build's user can write to",
        ) from None


def _unpack(file: IO[bytes], name: str, folder: ArchiveFolder) -> None:
    head = _head(file, 512)
    if head.startswith(_ZIP):
        _unzip(file, folder)
    elif head.startswith(_AR):
        for member, size in _members_of_ar(file):
            if member.startswith("data.tar"):
                folder.whole_system = True
                part = _Part(file, file.tell(), size)
                _unpack(part, member, folder)  # type: ignore[arg-type]
                return
        raise ValueError("it is not a Debian package: it has no data.tar")
    elif opened := _decompressed(file, head):
        with opened:
            # One packed file, unless what is in it is a tar in turn.
            if _is_tar(_head(opened, 512)):
                _untar(opened, folder)
            else:
                folder.strip = 0
                folder.file(name.rpartition(".")[0] or name, opened, 0o644)
    elif _is_tar(head):
        _untar(file, folder)
    else:
        raise ValueError("it is neither tar, zip, deb, gzip, bzip2, xz nor zstd")


def _head(file: IO[bytes], size: int) -> bytes:
    head = file.read(size)
    file.seek(0)
    return head


def _is_tar(head: bytes) -> bool:
    # Before ustar there was no mark: then the header's sum tells.
    if head[257:262] == b"ustar":
        return True
    try:
        return (
            len(head) == 512
            and head != bytes(512)
            and bool(tarfile.TarInfo.frombuf(head, "utf-8", "replace"))
        )
    except tarfile.TarError:
        return False


def _decompressed(file: IO[bytes], head: bytes) -> IO[bytes] | None:
    if head.startswith(_GZIP):
        return gzip.open(file)  # type: ignore[return-value]
    if head.startswith(_BZIP2):
        return bz2.open(file)
    if head.startswith(_XZ):
        return lzma.open(file)
    return _from_zstd(file) if head.startswith(_ZSTD) else None


def _from_zstd(file: IO[bytes]) -> IO[bytes]:
    try:  # Python 3.14
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        pass
    else:
        return zstd.open(file)  # type: ignore[no-any-return,unused-ignore]
    try:
        import zstandard  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise BuildpackFault(
            "zstd needs Python 3.14 or the package zstandard",
            remedy="name zstandard in requirements.in and lock it, or take another archive",
        ) from None
    # A tar is looked into twice, which the stream of zstandard cannot do.
    spool = tempfile.TemporaryFile()  # noqa: SIM115  closed with the archive
    most = most_of(file.seek(0, os.SEEK_END))
    file.seek(0)
    with zstandard.ZstdDecompressor().stream_reader(file, closefd=False) as stream:
        while chunk := stream.read(1 << 20):
            if spool.tell() > most:
                spool.close()
                raise ValueError("it unpacks to more than an honest archive")
            spool.write(chunk)
    spool.seek(0)
    return spool


class _Part(io.RawIOBase):
    """Some bytes of a file, as a file."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file, self._start, self._size, self._at = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        left = max(0, self._size - self._at)
        self._file.seek(self._start + self._at)
        data = self._file.read(left if size is None or size < 0 else min(size, left))
        self._at += len(data)
        return data


def _members_of_ar(file: IO[bytes]) -> Iterator[tuple[str, int]]:
    """Name and size of each member; the file stands at its first byte then."""
    at = len(_AR)
    while True:
        file.seek(at)
        header = file.read(60)
        if not header:
            return
        if len(header) < 60 or header[58:] != b"`\n":
            raise ValueError("a header of the ar archive is cut off")
        size = int(header[48:58])
        yield header[:16].decode("ascii", "replace").rstrip(" /"), size
        at += 60 + size + size % 2


def _untar(file: IO[bytes], folder: ArchiveFolder) -> None:
    with tarfile.open(fileobj=file, mode="r:", tarinfo=BoundedHeader) as tar:
        for member in tar:
            if member.isdir():
                folder.folder(member.name, member.mode)
            elif member.issym():
                folder.link(member.name, member.linkname)
            elif member.islnk():
                folder.hard_link(member.name, member.linkname)
            elif member.isfile():
                contents = tar.extractfile(member)
                assert contents is not None
                folder.file(member.name, contents, member.mode, member.mtime)
            else:
                folder.refuse(member.name, "is a device or a pipe")


def _unzip(file: IO[bytes], folder: ArchiveFolder) -> None:
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            mode = member.external_attr >> 16
            if member.is_dir():
                folder.folder(member.filename, mode or 0o755)
            elif stat.S_ISLNK(mode):
                with archive.open(member) as contents:
                    target = contents.read(_PATH + 1)
                if len(target) > _PATH:
                    folder.refuse(member.filename, "links to more than a path")
                folder.link(member.filename, target.decode("utf-8", "surrogateescape"))
            elif stat.S_IFMT(mode) in (0, stat.S_IFREG):
                with archive.open(member) as contents:
                    folder.file(member.filename, contents, mode or 0o644)
            else:
                folder.refuse(member.filename, "is a device or a pipe")

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
import posixpath
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib

from cnbkit.errors import BuildpackFault, PlatformFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

__all__ = ["unpack"]

_FULL = (errno.ENOSPC, errno.EDQUOT)
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, ValueError)
_GZIP, _BZIP2, _XZ, _ZSTD = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"
_ZIP, _AR = (b"PK\x03\x04", b"PK\x05\x06"), b"!<arch>\n"


def unpack(archive: str, to: str, *, strip: int = 0) -> None:
    """Unpack an archive into a folder; see `BuildContext.unpack`."""
    try:
        with open(archive, "rb") as file:
            os.makedirs(to, exist_ok=True)
            _unpack(file, os.path.basename(archive), _Folder(archive, to, strip))
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


def _unpack(file: IO[bytes], name: str, folder: _Folder) -> None:
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
        raise ValueError("it is no Debian package: it has no data.tar")
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
    zstandard.ZstdDecompressor().copy_stream(file, spool)
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


def _untar(file: IO[bytes], folder: _Folder) -> None:
    with tarfile.open(fileobj=file, mode="r:") as tar:
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


def _unzip(file: IO[bytes], folder: _Folder) -> None:
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            mode = member.external_attr >> 16
            if member.is_dir():
                folder.folder(member.filename, mode or 0o755)
            elif stat.S_ISLNK(mode):
                folder.link(
                    member.filename, archive.read(member).decode("utf-8", "surrogateescape")
                )
            elif stat.S_IFMT(mode) in (0, stat.S_IFREG):
                with archive.open(member) as contents:
                    folder.file(member.filename, contents, mode or 0o644)
            else:
                folder.refuse(member.filename, "is a device or a pipe")


class _Folder:
    """Where an archive's members go, and nowhere else.

    Args:
        archive: for faults.
        to: the folder.
        strip: how many leading parts of names are left out.

    Attributes:
        whole_system: whether the archive's root is a system's, so absolute links are of it.
    """

    def __init__(self, archive: str, to: str, strip: int) -> None:
        self.whole_system = False
        self.strip = strip
        self._archive = archive
        self._root = os.path.realpath(to)

    def folder(self, name: str, mode: int) -> None:
        """Make a folder."""
        path = self._path(name)
        if not path or path == self._root:
            return
        if os.path.lexists(path) and not os.path.isdir(path):
            os.unlink(path)
        self._inside(name, path)
        os.makedirs(path, exist_ok=True)
        os.chmod(path, mode & 0o777 | 0o700)

    def file(self, name: str, contents: IO[bytes], mode: int, mtime: float | None = None) -> None:
        """Write a file."""
        path = self._new(name)
        if path:
            with open(path, "xb") as file:
                shutil.copyfileobj(contents, file, 1 << 20)
            os.chmod(path, mode & 0o777 | 0o600)
            if mtime is not None:  # bytecode knows its source by it
                os.utime(path, (mtime, mtime))

    def link(self, name: str, target: str) -> None:
        """Make a symbolic link."""
        path = self._new(name)
        if not path:
            return
        if target.startswith("/") and self.whole_system:
            above = os.path.relpath(self._root, os.path.dirname(path))
            target = posixpath.join(above, target.lstrip("/"))
        meant = posixpath.normpath(posixpath.join(os.path.dirname(path), target))
        if target.startswith("/") or not _is_in(meant, self._root):
            self.refuse(name, f"links to {target}, which is outside")
        os.symlink(target, path)
        self._inside(name, path)

    def hard_link(self, name: str, target: str) -> None:
        """Make another name of a file that came before."""
        path, source = self._new(name), self._path(target)
        if not path:
            return
        if not source or not os.path.lexists(source):
            self.refuse(name, f"is another name of {target}, which is not there")
        self._inside(target, os.path.dirname(source))
        os.link(source, path, follow_symlinks=False)

    def refuse(self, name: str, why: str) -> None:
        """Tell what cannot be unpacked.

        Raises:
            BuildpackFault: always.
        """
        raise BuildpackFault(
            f"{os.path.basename(self._archive)} is not unpacked: {name} in it {why}",
            where=self._archive,
            remedy="do not use this archive: an honest one has no such names",
        )

    def _path(self, name: str) -> str:
        """Where a name belongs; empty if it is left out."""
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/") or ".." in parts or "\0" in name:
            self.refuse(name, "leads out of the folder")
        kept = parts[self.strip :]
        if not kept:
            return self._root if not parts else ""
        return "/".join([self._root, *kept])

    def _new(self, name: str) -> str:
        """A place where nothing is; empty if the name is left out."""
        path = self._path(name)
        if not path:
            return ""
        if path == self._root:
            self.refuse(name, "is no name of a file")
        above = os.path.dirname(path)
        self._inside(name, above)
        os.makedirs(above, exist_ok=True)
        if os.path.lexists(path):
            if os.path.isdir(path) and not os.path.islink(path):
                self.refuse(name, "has the name of a folder that came before")
            os.unlink(path)
        return path

    def _inside(self, name: str, path: str) -> None:
        # A link that came before may lead elsewhere by way of another.
        if not _is_in(os.path.realpath(path), self._root):
            self.refuse(name, "goes through a link that leads out of the folder")


def _is_in(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root}/")

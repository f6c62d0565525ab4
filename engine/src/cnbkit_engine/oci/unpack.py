"""Layer tars → folders that an overlay mount in a user namespace can use.

Differences to what the tar says, all because one ordinary user owns everything:

- owners are dropped, as are setuid, setgid, devices, FIFOs and sockets; for a given user, what the
  owner may write afterwards is what that user may (`writable_by`);
- every file and folder can be read by its owner;
- OCI whiteouts (`.wh.x`, image-spec "Whiteouts") become what overlayfs itself uses: a character
  device 0:0, which Linux lets every user make, and `user.overlay.opaque` (mount option userxattr).
"""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
import zlib
from typing import IO, TYPE_CHECKING, cast

from cnbkit.errors import PlatformFault
from cnbkit.tar_header import SolidHeader
from cnbkit_engine.oci import zstd
from cnbkit_engine.oci.store import PIECE
from cnbkit_engine.state.workspace import remove_tree

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["open_layer", "open_plain", "unpack_layer", "writable_by"]

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_GZIP = b"\x1f\x8b"


def unpack_layer(blob: IO[bytes], directory: Path, ids: tuple[int, int] | None = None) -> str:
    """Unpack one layer, gzip, zstd or plain, into a new folder.

    Args:
        blob: the layer.
        directory: the folder, which is not there yet.
        ids: uid and gid of the only one who may write in it what is writable; None if all is.

    Returns:
        the layer's diffID: the digest of the uncompressed tar.

    Raises:
        PlatformFault: the tar is damaged, or tries to write elsewhere.
        OSError: the disk refuses.
    """
    directory.mkdir(mode=0o755)
    source = _HashingReader(open_plain(blob))
    try:
        with _forward(source) as archive:
            _Unpacking(directory, ids).run(archive)
        while source.read(PIECE):
            pass  # padding after the archive's end is part of the diffID
    except (tarfile.TarError, EOFError, ValueError, zlib.error) as error:
        raise _damaged(directory.name, error) from error
    except OSError as error:
        if error.errno is None:  # the decompressor's own, not the system's
            raise _damaged(directory.name, error) from error
        raise
    return f"sha256:{source.hash.hexdigest()}"


def open_layer(blob: IO[bytes]) -> tarfile.TarFile:
    """A layer's tar, to be read strictly forward."""
    return _forward(open_plain(blob))


def _forward(source: IO[bytes] | _HashingReader) -> tarfile.TarFile:
    # "r|" reads strictly forward, so the whole tar passes a hash once.
    return tarfile.open(
        fileobj=cast("IO[bytes]", source), mode="r|", bufsize=PIECE, tarinfo=SolidHeader
    )


_EARLIEST, _LATEST = -(2**31), 2**33


class _HashingReader:
    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.hash = hashlib.sha256()

    def read(self, size: int) -> bytes:
        data = self._source.read(size)
        self.hash.update(data)
        return data


class _Unpacking:
    """One tar on its way into one folder."""

    def __init__(self, root: Path, ids: tuple[int, int] | None) -> None:
        self._root = root
        self._ids = ids
        self._times: list[tuple[Path, float]] = []
        # Modes at the end: until then files are written in them.
        self._closed: set[Path] = set()

    def run(self, archive: tarfile.TarFile) -> None:
        for member in archive:
            # A stream archive remembers every member it met: a million-file layer would cost
            # a gigabyte of memory.
            archive.members = []  # type: ignore[attr-defined]
            self._member(archive, member)
        for path, mtime in reversed(self._times):
            os.utime(path, (mtime, mtime))
        for path in self._closed:
            path.chmod(stat.S_IMODE(path.lstat().st_mode) & ~0o200)

    def _member(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        parts = _parts(member.name)
        if not parts:
            return  # the root itself
        parent = self._folder(parts[:-1], member.name)
        name = parts[-1]
        path = parent / name
        if name == _OPAQUE:
            os.setxattr(parent, "user.overlay.opaque", b"y")
        elif name.startswith(_WHITEOUT):
            hidden = parent / _parts(name.removeprefix(_WHITEOUT), single=True)[0]
            if not os.path.lexists(hidden):
                os.mknod(hidden, stat.S_IFCHR | 0o600, os.makedev(0, 0))
        elif member.isdir():
            self._directory(path, member)
        elif member.isreg():
            _clear(path)
            self._file(path, archive, member)
        elif member.issym():
            _clear(path)
            path.symlink_to(member.linkname)
        elif member.islnk():
            target_parts = _parts(member.linkname)
            if not target_parts:
                raise _escape(member.name)
            target = self._folder(target_parts[:-1], member.name) / target_parts[-1]
            if target != path:
                _clear(path)
                os.link(target, path, follow_symlinks=False)
        # Devices, FIFOs and sockets are left out: a sandbox has its own /dev.

    def _folder(self, parts: list[str], member: str) -> Path:
        """The folder of an entry, made if the tar does not list it; never through a link."""
        path = self._root
        for part in parts:
            path = path / part
            try:
                mode = path.lstat().st_mode
            except FileNotFoundError:
                # Whose it is, a layer below may say: here it keeps nobody out.
                path.mkdir(mode=0o755)
                continue
            if not stat.S_ISDIR(mode):
                raise _escape(member)
        return path

    def _directory(self, path: Path, member: tarfile.TarInfo) -> None:
        if path.is_symlink() or not path.is_dir():
            _clear(path)
            path.mkdir()
        path.chmod(member.mode & 0o1777 | 0o700)
        if writable_by(self._ids, member):
            self._closed.discard(path)
        else:
            self._closed.add(path)
        self._times.append((path, _times(member)[0]))

    def _file(self, path: Path, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        source = archive.extractfile(member)
        # O_EXCL and O_NOFOLLOW: whatever was there has been removed; nothing may be in its place.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            while source and (data := source.read(PIECE)):
                file.write(data)
            file.flush()
            mode = member.mode & 0o777 | 0o400
            if not writable_by(self._ids, member):
                mode &= ~0o200
            os.fchmod(file.fileno(), mode)
            # Python compares a source's time with the one inside its .pyc.
            os.utime(file.fileno(), _times(member))


def _times(member: tarfile.TarInfo) -> tuple[float, float]:
    """When it was changed, if that is a time which file systems know."""
    time = min(max(member.mtime, _EARLIEST), _LATEST)
    return time, time


def writable_by(ids: tuple[int, int] | None, member: tarfile.TarInfo) -> bool:
    """Whether a user may write what a tar holds: by its owner, its group, and its mode.

    Args:
        ids: uid and gid; None for somebody who may.
        member: the file or folder.
    """
    if ids is None:
        return True
    uid, gid = ids
    shift = 6 if member.uid == uid else 3 if member.gid == gid else 0
    return bool(member.mode >> shift & 0o2)


def open_plain(blob: IO[bytes]) -> IO[bytes]:
    """A layer's tar as a stream, compressed by gzip, by zstd or not at all."""
    start = blob.read(4)
    blob.seek(0)
    # The media type is not asked: layouts written by the lifecycle mix Docker's and OCI's.
    if start.startswith(_GZIP):
        import gzip

        return cast("IO[bytes]", gzip.GzipFile(fileobj=blob, mode="rb"))
    if start == zstd.MAGIC:
        return zstd.open_zstd(blob)
    return blob


def _parts(name: str, *, single: bool = False) -> list[str]:
    """A tar name's components; absolute names (the lifecycle's) count from the layer's root."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in name or (single and len(parts) != 1):
        raise _escape(name)
    return parts


def _clear(path: Path) -> None:
    """Make room: a later entry of the same name replaces an earlier one."""
    if os.path.lexists(path):
        remove_tree(path)


def _escape(name: str) -> PlatformFault:
    return PlatformFault(
        "a layer tries to write outside of itself, or through a link",
        where=name[:300],
        remedy="do not use this image; rebuild it from a source you trust",
    )


def _damaged(where: str, error: Exception) -> PlatformFault:
    return PlatformFault(
        "a layer cannot be unpacked",
        where=where,
        remedy="build or pull the image again",
        detail=f"{type(error).__name__}: {error}",
    )

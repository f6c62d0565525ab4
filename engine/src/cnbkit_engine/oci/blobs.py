"""The files of an OCI layout by their digests: each written once, read-only, and checked on use."""

from __future__ import annotations

import hashlib
import os
from typing import IO, TYPE_CHECKING

from cnbkit.errors import PlatformFault
from cnbkit_engine.oci import types
from cnbkit_engine.state.disk import disk_fault, open_regular, read_regular

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path
    from types import TracebackType

    from cnbkit_engine.oci.types import Descriptor

__all__ = ["PIECE", "BlobFiles", "BlobWriter", "DigestMismatch", "UnknownBlob"]

PIECE = 1 << 20
"""Bytes moved at a time, so that memory stays flat whatever a layer's size."""

UPLOAD = ".upload-"
_LARGEST = 64 << 20  # bytes of a manifest or config; go-containerregistry takes 100 MB


class UnknownBlob(PlatformFault):
    """A blob is asked for, or referred to by a manifest, that the store lacks."""


class DigestMismatch(PlatformFault):
    """Bytes are not those that their digest, or their size, says."""


class BlobFiles:
    """The folder `blobs/sha256` of a layout.

    Args:
        layout: the layout's folder.
        own: whether damaged files may be moved; not in somebody else's layout.
    """

    def __init__(self, layout: Path, *, own: bool = True) -> None:
        self.folder = layout / "blobs" / "sha256"
        self.damaged = layout / "damaged"
        self._layout = layout
        self._own = own

    def path(self, digest: str) -> Path:
        """Where a blob is, or would be.

        Raises:
            PlatformFault: `digest` is not a sha256 digest.
        """
        return self.folder / types.check_digest(digest).removeprefix("sha256:")

    def read(self, digest: str) -> bytes:
        """A small blob as a whole; a damaged one is put aside.

        Raises:
            UnknownBlob: it is not here.
            DigestMismatch: the file is damaged.
        """
        path = self.path(digest)
        try:
            data = read_regular(path, _LARGEST)
        except FileNotFoundError:
            raise self.unknown(digest) from None
        except OSError as error:
            raise disk_fault(error, "cannot read the image store", path) from None
        if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
            raise self.put_aside(digest)
        return data

    def open(self, blob: Descriptor) -> IO[bytes]:
        """A blob's file, of the size its manifest says; a damaged one is put aside.

        Raises:
            UnknownBlob: it is not here.
            DigestMismatch: it has another size.
        """
        path = self.path(blob.digest)
        try:
            file = open_regular(path)
        except FileNotFoundError:
            raise self.unknown(blob.digest) from None
        except OSError as error:
            raise disk_fault(error, "cannot read the image store", path) from None
        if os.fstat(file.fileno()).st_size != blob.size:
            file.close()
            raise self.put_aside(blob.digest)
        return file

    def is_whole(self, blob: Descriptor, *, content: bool = False) -> bool:
        """Whether a blob is here and has its size; asked for, also whether it has its digest.

        Raises:
            PlatformFault: the disk refuses.
        """
        path = self.path(blob.digest)
        try:
            if path.lstat().st_size != blob.size:
                return False
            if not content:
                return True
            with open_regular(path) as file:
                found = hashlib.sha256()
                while piece := file.read(PIECE):
                    found.update(piece)
                return f"sha256:{found.hexdigest()}" == blob.digest
        except FileNotFoundError:
            return False
        except OSError as error:
            raise disk_fault(error, "cannot read the image store", path) from None

    def put_aside(self, digest: str) -> DigestMismatch:
        """Move a damaged blob out of the way, so that it is made or fetched again.

        Returns:
            the fault to raise.
        """
        path = self.path(digest)
        if not self._own:
            return DigestMismatch(
                "a file of the layout is not what its digest says",
                where=str(path),
                remedy="get the image again",
            )
        aside = self.damaged
        try:
            aside.mkdir(exist_ok=True)
            path.replace(aside / path.name)
        except FileNotFoundError:
            pass  # somebody else did
        except OSError as error:
            return DigestMismatch(
                "a file of the image store is damaged, and cannot be put aside",
                where=str(path),
                remedy="make the store writable and run `cnbkit doctor --repair`",
                detail=str(error),
            )
        return DigestMismatch(
            "a file of the image store was damaged; it has been put aside",
            where=str(aside / path.name),
            remedy="build or pull the image again; `cnbkit doctor` checks all others",
        )

    def unknown(self, digest: str) -> UnknownBlob:
        """The fault of a blob that is not here."""
        return UnknownBlob(
            f"the image store lacks the blob {digest}",
            where=str(self._layout),
            remedy="build or pull the image again",
        )


class BlobWriter:
    """One blob on its way into the store; leaving the `with` block uncommitted removes it.

    Args:
        folder: of the blobs.
        path: where a digest's blob is.
        committing: held while it gets its name.
    """

    def __init__(
        self,
        folder: Path,
        path: Callable[[str], Path],
        committing: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._folder = folder
        self._final = path
        self._committing = committing
        self._path = folder / f"{UPLOAD}{os.urandom(8).hex()}"
        self._hash = hashlib.sha256()
        self.size = 0
        try:
            # Read-only for good: exports are hard links, and an edited one would change the store.
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._handle: int | None = os.open(self._path, flags, 0o444)
        except OSError as error:
            raise _cannot_write(error, folder) from error

    def __enter__(self) -> BlobWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abort()

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes.

        Raises:
            StoreFull: the disk is full.
            PlatformFault: the disk refuses for another reason, or the writer is closed.
        """
        if self._handle is None:
            raise self._ended()
        self._hash.update(data)
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError as error:
            raise _cannot_write(error, self._folder) from error
        self.size += len(data)

    def commit(self, expected: str | None) -> str:
        """Make what was written the blob of its digest.

        It is on the disk for good when a manifest refers to it (`ImageStore.put_manifest`).

        Args:
            expected: the digest announced, or None to take what came.

        Returns:
            the digest.

        Raises:
            DigestMismatch: it is not `expected`; nothing is stored.
        """
        digest = f"sha256:{self._hash.hexdigest()}"
        if expected is not None and types.check_digest(expected) != digest:
            self.abort()
            raise DigestMismatch(
                f"the bytes received have the digest {digest}",
                where=expected,
                remedy="send them again",
            )
        if self._handle is None:
            raise self._ended()
        self._close()
        try:
            with self._committing():
                # Stamped before the rename: a slow upload must not come in as an old blob.
                os.utime(self._path)
                self._path.replace(self._final(digest))
        except BaseException:
            self._path.unlink(missing_ok=True)
            raise
        return digest

    def abort(self) -> None:
        """Throw away what was written; does nothing after `commit`."""
        if self._handle is not None:
            self._close()
            self._path.unlink(missing_ok=True)

    def _ended(self) -> PlatformFault:
        return PlatformFault(
            "this upload has ended", where=str(self._folder), remedy="start another"
        )

    def _close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _cannot_write(error: OSError, folder: Path) -> PlatformFault:
    return disk_fault(error, "cannot write the image store", folder)

"""The engine's image database: a standard OCI image layout on disk.

    oci-layout            the layout's version
    index.json            names (annotation org.opencontainers.image.ref.name) → manifests
    blobs/sha256/<hex>    layers, configs, manifests; each written once, read-only
    .lock                 flock: shared to claim a blob, exclusive to change names or to prune

skopeo and crane read it as `oci:DIR:NAME`. Full names (`team/demo:latest`) are kept, so one layout
holds many repositories and equal layers are stored once.

Everything is written beside its final name and renamed: a killed process leaves at most a
`.upload-*` file, which `prune` removes. Nothing is fsynced: after a power cut a blob may be torn,
which the digest check on unpacking finds, and a gigabyte layer is not made to wait for the disk.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cnbkit.errors import PlatformFault, UserFault
from cnbkit.platform import oci
from cnbkit.platform.oci import Descriptor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

__all__ = [
    "PIECE",
    "BlobWriter",
    "DigestMismatch",
    "ImageStore",
    "StoreFull",
    "UnknownBlob",
    "UnknownImage",
]

PIECE = 1 << 20
"""Bytes moved at a time, so that memory stays flat whatever a layer's size."""

_REF_NAME = "org.opencontainers.image.ref.name"
_UPLOAD = ".upload-"


class UnknownImage(UserFault):
    """There is no image of that name."""


class UnknownBlob(PlatformFault):
    """A blob is asked for, or referred to by a manifest, that the store lacks."""


class DigestMismatch(PlatformFault):
    """The bytes written are not the bytes announced."""


class StoreFull(PlatformFault):
    """The disk or its quota is full."""


class ImageStore:
    """An OCI image layout that many processes may read and write at once.

    Args:
        path: the layout's folder; made on the first write.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._blobs = path / "blobs" / "sha256"

    # Blobs

    def blob_path(self, digest: str) -> Path:
        """Where a blob is, or would be.

        Raises:
            PlatformFault: `digest` is not a sha256 digest.
        """
        return self._blobs / oci.check_digest(digest).removeprefix("sha256:")

    def has_blob(self, digest: str) -> bool:
        """Whether the blob is here; if so, `prune` spares it for its grace period.

        Whoever asks is about to refer to the blob instead of sending it again.
        """
        path = self.blob_path(digest)
        if not path.exists():
            return False
        with self._locked(fcntl.LOCK_SH):
            return _touch(path)

    def read_blob(self, digest: str) -> bytes:
        """A small blob (manifest, config) as a whole.

        Raises:
            UnknownBlob: it is not here.
            DigestMismatch: the file on disk is damaged.
        """
        try:
            data = self.blob_path(digest).read_bytes()
        except FileNotFoundError:
            raise self._unknown_blob(digest) from None
        if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
            raise DigestMismatch(
                "a file of the image store is damaged",
                where=str(self.blob_path(digest)),
                remedy="delete that file and build or pull the image again",
            )
        return data

    def open_blob(self) -> BlobWriter:
        """A writer for one blob, to be used in a `with` block.

        Raises:
            PlatformFault: the store cannot be written.
        """
        self._prepare()
        return BlobWriter(self)

    def put_blob(self, data: bytes) -> str:
        """Store a small blob and return its digest."""
        with self.open_blob() as blob:
            blob.write(data)
            return blob.commit(None)

    # Images

    def put_manifest(self, name: str, media_type: str, data: bytes) -> str:
        """Store a manifest or index under `repository:tag` or `repository@digest`.

        A tag that named another image moves; the old image's blobs keep their grace period.

        Returns:
            the manifest's digest.

        Raises:
            UserFault: `name` is no image name.
            UnknownBlob: the manifest refers to a blob that has not been stored.
            DigestMismatch: `name` ends in another digest.
            PlatformFault: `data` is not what `media_type` says, or the disk refuses.
        """
        name = oci.full_name(name)
        repository, reference = oci.split_name(name)
        try:
            document = json.loads(data)
        except ValueError as error:
            raise PlatformFault(
                "a manifest is not JSON",
                where=name,
                remedy="push the image again",
                detail=str(error),
            ) from error
        parts = oci.references(media_type, document)
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if ":" in reference and reference != digest:
            raise DigestMismatch(
                f"the manifest's digest is {digest}", where=name, remedy="push the image again"
            )
        self.put_blob(data)
        with self._locked(fcntl.LOCK_EX):
            for part in parts:
                if not _touch(self.blob_path(part.digest)):
                    raise self._unknown_blob(part.digest)
            _touch(self.blob_path(digest))
            entries = self._entries()
            old = entries.get(name)
            entries[name] = Descriptor(media_type, digest, len(data))
            if media_type in oci.INDEX_TYPES:
                # Its platforms' manifests were stored by digest to get here; the index holds
                # them from now on, and letting it go lets them go.
                for part in parts:
                    entries.pop(f"{repository}@{part.digest}", None)
            if old and old.digest != digest:
                self._grant_grace(old)
            self._write_entries(entries)
        return digest

    def resolve(self, name: str) -> Descriptor:
        """The manifest or index `name` stands for.

        `repository` alone means `repository:latest`; `repository@digest` is found also when the
        manifest is only a part of an index.

        Raises:
            UserFault: it is no image name.
            UnknownImage: there is none; lists the names there are.
        """
        entries = self._entries()
        if found := entries.get(name) or entries.get(oci.full_name(name)):
            return found
        _, reference = oci.split_name(name)
        if ":" in reference:
            for entry in entries.values():
                if entry.digest == reference:
                    return entry
            if found := self._manifest_by_digest(reference):
                return found
        raise UnknownImage(
            f"there is no image {name!r}",
            where=str(self.path),
            remedy="use one of: " + ", ".join(sorted(entries)) if entries else "build it first",
        )

    def names(self) -> list[str]:
        """Full names of all images, sorted."""
        return sorted(self._entries())

    def remove(self, name: str) -> None:
        """Forget a name; its blobs go at a later `prune`, after their grace period.

        Raises:
            UnknownImage: there is none.
        """
        self.resolve(name)
        with self._locked(fcntl.LOCK_EX):
            entries = self._entries()
            gone = entries.pop(name, None) or entries.pop(oci.full_name(name), None)
            if gone:
                self._grant_grace(gone)
                self._write_entries(entries)

    def prune(self, *, grace: float = 3600.0) -> int:
        """Delete blobs no image refers to and uploads nobody finishes.

        A build asks for a blob, or stores it, some time before its manifest refers to it, and
        another build may move the only name of an image a third one is about to reuse. So each of
        these acts stamps the blobs, under the shared lock, and only blobs whose last stamp is
        older than `grace` go.

        Args:
            grace: seconds; longer than any build takes to export its image.

        Returns:
            bytes freed.
        """
        if not self._blobs.is_dir():
            return 0
        freed = 0
        with self._locked(fcntl.LOCK_EX):
            kept = {part.digest for entry in self._entries().values() for part in self._tree(entry)}
            newest = time.time() - grace
            with os.scandir(self._blobs) as files:
                for file in files:
                    status = file.stat(follow_symlinks=False)
                    if f"sha256:{file.name}" not in kept and status.st_mtime < newest:
                        os.unlink(file.path)
                        freed += status.st_size
        return freed

    def reachable(self, image: Descriptor) -> list[Descriptor]:
        """An image's manifest and everything it refers to that is here, each once."""
        parts = {part.digest: part for part in self._tree(image)}
        return [part for part in parts.values() if self.blob_path(part.digest).exists()]

    # Inside

    def _entries(self) -> dict[str, Descriptor]:
        try:
            text = (self.path / "index.json").read_bytes()
        except FileNotFoundError:
            return {}
        try:
            items = json.loads(text)["manifests"]
            # Other tools may leave a manifest nameless; its digest is a name good enough.
            return {
                item.get("annotations", {}).get(_REF_NAME, item["digest"]): Descriptor.parse(item)
                for item in items
            }
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise PlatformFault(
                "the image store's index is damaged",
                where=str(self.path / "index.json"),
                remedy="move the folder away; images are built anew",
            ) from error

    def _write_entries(self, entries: dict[str, Descriptor]) -> None:
        write_index(self.path, ((entry, {_REF_NAME: name}) for name, entry in entries.items()))

    def _manifest_by_digest(self, digest: str) -> Descriptor | None:
        """A manifest nothing in index.json names: one platform of an index."""
        for entry in self._entries().values():
            if entry.media_type in oci.INDEX_TYPES:
                for part in self._tree(entry):
                    if part.digest == digest and part.media_type in (
                        oci.MANIFEST_TYPES | oci.INDEX_TYPES
                    ):
                        return part
        return None

    def _tree(self, image: Descriptor) -> Iterator[Descriptor]:
        yield image
        if image.media_type in oci.MANIFEST_TYPES | oci.INDEX_TYPES:
            try:
                document = json.loads(self.read_blob(image.digest))
            except UnknownBlob:
                return  # layouts made by other tools may hold only some platforms
            for part in oci.references(image.media_type, document):
                yield from self._tree(part)

    def _grant_grace(self, image: Descriptor) -> None:
        for part in self._tree(image):
            _touch(self.blob_path(part.digest))

    def _prepare(self) -> None:
        try:
            self._blobs.mkdir(parents=True, exist_ok=True)
            if not (self.path / "oci-layout").exists():
                write_layout_file(self.path)
        except OSError as error:
            raise _disk_fault(error, self.path) from error

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        # A new descriptor each time: flock belongs to the open file, so this also keeps
        # threads of one process apart.
        self._prepare()
        try:
            handle = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise _disk_fault(error, self.path) from error
        try:
            fcntl.flock(handle, kind)
            yield
        except OSError as error:
            raise _disk_fault(error, self.path) from error
        finally:
            os.close(handle)

    def _unknown_blob(self, digest: str) -> UnknownBlob:
        return UnknownBlob(
            f"the image store lacks the blob {digest}",
            where=str(self.path),
            remedy="build or pull the image again",
        )

    def _adopt(self, temporary: Path, digest: str) -> None:
        """Give a finished upload its final name."""
        with self._locked(fcntl.LOCK_SH):
            # Stamped before the rename: a slow upload must not come in as an old blob.
            os.utime(temporary)
            temporary.replace(self.blob_path(digest))


class BlobWriter:
    """One blob on its way into the store; leaving the `with` block uncommitted removes it."""

    def __init__(self, store: ImageStore) -> None:
        self._store = store
        self._path = store.path / "blobs" / "sha256" / f"{_UPLOAD}{os.urandom(8).hex()}"
        self._hash = hashlib.sha256()
        self.size = 0
        try:
            # Read-only for good: exports are hard links, and an edited one would change the store.
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._handle: int | None = os.open(self._path, flags, 0o444)
        except OSError as error:
            raise _disk_fault(error, store.path) from error

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
            raise _disk_fault(error, self._store.path) from error
        self.size += len(data)

    def commit(self, expected: str | None) -> str:
        """Make what was written the blob of its digest.

        Args:
            expected: the digest announced, or None to take what came.

        Returns:
            the digest.

        Raises:
            DigestMismatch: it is not `expected`; nothing is stored.
        """
        digest = f"sha256:{self._hash.hexdigest()}"
        if expected is not None and oci.check_digest(expected) != digest:
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
            self._store._adopt(self._path, digest)
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
            "this upload has ended", where=str(self._store.path), remedy="start another"
        )

    def _close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def write_index(directory: Path, entries: Iterable[tuple[Descriptor, dict[str, str]]]) -> None:
    """Write a layout's index.json: manifests with their annotations."""
    manifests: list[dict[str, Any]] = [
        {
            "mediaType": entry.media_type,
            "digest": entry.digest,
            "size": entry.size,
            "annotations": annotations,
        }
        for entry, annotations in entries
    ]
    index = {"schemaVersion": 2, "mediaType": oci.OCI_INDEX, "manifests": manifests}
    _replace(directory / "index.json", json.dumps(index, indent=1).encode())


def write_layout_file(directory: Path) -> None:
    """Write the file that marks a folder as an OCI layout."""
    _replace(directory / "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}-{os.urandom(8).hex()}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _touch(path: Path) -> bool:
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _disk_fault(error: OSError, path: Path) -> PlatformFault:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(
            "the disk is full",
            where=str(path),
            remedy="free space there, or set CNBKIT_HOME to a folder on a larger disk",
            detail=str(error),
        )
    return PlatformFault(
        "the image store cannot be written",
        where=str(path),
        remedy="make it writable, or set CNBKIT_HOME to a folder that is",
        detail=str(error),
    )

"""The engine's image database: a standard OCI image layout on disk.

    oci-layout            the layout's version
    index.json            names (annotation org.opencontainers.image.ref.name) → manifests
    blobs/sha256/<hex>    layers, configs, manifests; each written once, read-only
    damaged/<hex>         blobs that were found damaged, out of the way
    .lock                 flock: shared to claim a blob, exclusive to change names or to prune

skopeo and crane read it as `oci:DIR:NAME`. Full names (`team/demo:latest`) are kept, so one layout
holds many repositories and equal layers are stored once.

Everything is written beside its final name and renamed: a killed process leaves at most a
`.upload-*` file, which `prune` removes. A name is given to an image only when all its blobs are on
the disk for good. A blob's size is checked whenever it is used, and its digest wherever it is read
anyway; a damaged one is put aside, so that it is made or fetched again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from cnbkit.errors import UserFault
from cnbkit_engine.oci import types
from cnbkit_engine.oci.blobs import (
    PIECE,
    BlobFiles,
    BlobWriter,
    DigestMismatch,
    UnknownBlob,
)
from cnbkit_engine.oci.layout_files import write_index, write_layout_file
from cnbkit_engine.oci.manifests import Manifests
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.referred import ReferredBlobs, remove_unreferred
from cnbkit_engine.oci.store_index import StoreIndex, locked
from cnbkit_engine.oci.types import Descriptor
from cnbkit_engine.state.disk import StoreFull, disk_fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "PIECE",
    "BlobWriter",
    "DigestMismatch",
    "ImageStore",
    "StoreFull",
    "UnknownBlob",
    "UnknownImage",
    "write_index",
    "write_layout_file",
]

_READ_ANYWAY = 256 << 10  # configs: to compare their digests takes no time


class UnknownImage(UserFault):
    """There is no image of that name."""


class ImageStore:
    """An OCI image layout that many processes may read and write at once.

    Args:
        path: the layout's folder; made on the first write.
        own: False for somebody else's layout, which is only read.
    """

    def __init__(self, path: Path, *, own: bool = True) -> None:
        self.path = path
        self.blobs = BlobFiles(path, own=own)
        self._index = StoreIndex(path)
        self._manifests = Manifests(self.blobs)
        self._referred = ReferredBlobs(path, self.blobs, self._index, self._manifests)

    # Blobs

    def blob_path(self, digest: str) -> Path:
        """Where a blob is, or would be.

        Raises:
            PlatformFault: `digest` is not a sha256 digest.
        """
        return self.blobs.path(digest)

    def has_blob(self, digest: str) -> bool:
        """Whether the blob is here; if so, `prune` spares it for its grace period.

        Whoever asks is about to refer to the blob instead of sending it again. One that has not
        the size an image says is put aside, to be sent again.
        """
        path = self.blob_path(digest)
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            return False
        except OSError as error:
            raise disk_fault(error, "cannot read the image store", path) from None
        if size != self._referred.sizes().get(digest, size):
            self.blobs.put_aside(digest)
            return False
        with self._locked(fcntl.LOCK_SH):
            return _touch(path)

    def read_blob(self, digest: str) -> bytes:
        """A small blob (manifest, config) as a whole.

        Raises:
            UnknownBlob: it is not here.
            DigestMismatch: the file on disk is damaged; it has been put aside.
        """
        return self.blobs.read(digest)

    def open_for_reading(self, blob: Descriptor) -> IO[bytes]:
        """A blob's file, if it has the size its manifest says.

        Raises:
            UnknownBlob: it is not here.
            DigestMismatch: the file on disk is damaged; it has been put aside.
        """
        return self.blobs.open(blob)

    def open_blob(self) -> BlobWriter:
        """A writer for one blob, to be used in a `with` block.

        Raises:
            PlatformFault: the store cannot be written.
        """
        self._prepare()
        return BlobWriter(self.blobs.folder, self._naming, lambda: self._locked(fcntl.LOCK_SH))

    def put_blob(self, data: bytes) -> str:
        """Store a small blob and return its digest."""
        with self.open_blob() as blob:
            blob.write(data)
            return blob.commit(None)

    # Images

    def put_manifest(self, name: str, media_type: str, data: bytes) -> str:
        """Store a manifest or index under `repository:tag` or `repository@digest`.

        A tag that named another image moves; the old image's blobs keep their grace period, and
        its manifest can be had by its digest as long. When this returns, a power cut cannot undo
        or halve it.

        Returns:
            the manifest's digest.

        Raises:
            UserFault: `name` is not an image name.
            UnknownBlob: the manifest refers to a blob that has not been stored.
            DigestMismatch: `name` ends in another digest, or a blob is damaged.
            PlatformFault: `data` is not what `media_type` says, or the disk refuses.
        """
        reference = Reference.parse(name)
        name = reference.stored
        parts = self._manifests.parts(media_type, data, name)
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if reference.digest and reference.digest != digest:
            raise DigestMismatch(
                f"the manifest's digest is {digest}", where=name, remedy="push the image again"
            )
        self.put_blob(data)
        # Before the lock: it may take as long as the disk needs for a large layer.
        self._referred.settle([digest, *(part.digest for part in parts)])
        with self._locked(fcntl.LOCK_EX):
            for part in parts:
                self._claim(part)
            _touch(self.blob_path(digest))
            entries = self._index.entries()
            old = entries.get(name)
            entries[name] = Descriptor(media_type, digest, len(data))
            if media_type in types.INDEX_TYPES:
                # Its platforms' manifests were stored by digest to get here; the index now keeps
                # them.
                for part in parts:
                    entries.pop(f"{reference.familiar}@{part.digest}", None)
            if old and old.digest != digest:
                self._grant_grace(old)
            self._index.write(entries)
        return digest

    def resolve(self, name: str) -> Descriptor:
        """The manifest or index `name` stands for.

        `repository` alone means `repository:latest`. `repository@digest` is found as long as the
        store has that manifest, whatever names it.

        Raises:
            UserFault: it is not an image name.
            UnknownImage: there is none; lists the names there are.
        """
        entries = self._index.entries()
        if found := entries.get(name):
            return found
        reference = Reference.parse(name)
        if found := entries.get(reference.stored):
            return found
        if reference.digest and (found := self._manifests.find(reference.digest, entries.values())):
            return found
        raise UnknownImage(
            f"there is no image {name!r}",
            where=str(self.path),
            remedy="use one of: " + ", ".join(sorted(entries)) if entries else "build it first",
        )

    def names(self) -> list[str]:
        """Full names of all images, sorted."""
        return sorted(self._index.entries())

    def remove(self, name: str) -> None:
        """Forget a name; its blobs go at a later `prune`, after their grace period.

        Raises:
            UnknownImage: there is none.
        """
        self.resolve(name)
        with self._locked(fcntl.LOCK_EX):
            entries = self._index.entries()
            gone = entries.pop(name, None) or entries.pop(Reference.parse(name).stored, None)
            if gone:
                self._grant_grace(gone)
                self._index.write(entries)

    def damage(self, image: Descriptor, *, content: bool = False) -> list[str]:
        """Digests of an image's blobs that are missing or damaged; the damaged are put aside.

        Sizes are compared, and the digests of what is read anyway: manifests and configs.

        Args:
            image: its manifest or index.
            content: compare every blob's digest, which reads all layers.

        Raises:
            PlatformFault: the disk refuses.
        """
        found = []
        for part in self._manifests.tree(image):
            if self.blobs.is_whole(part, content=content or part.size <= _READ_ANYWAY):
                continue
            found.append(part.digest)
            if self.blob_path(part.digest).exists():
                self.blobs.put_aside(part.digest)
        return found

    def is_intact(self, name: str) -> bool:
        """Whether there is an image of a name, and nothing of it is missing or damaged."""
        try:
            return not self.damage(self.resolve(name))
        except UnknownImage:
            return False

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
        if not self.blobs.folder.is_dir():
            return 0
        with self._locked(fcntl.LOCK_EX):
            kept = {
                part.digest
                for entry in self._index.entries().values()
                for part in self._manifests.tree(entry)
            }
            return remove_unreferred(self.blobs, kept, older_than=time.time() - grace)

    def reachable(self, image: Descriptor) -> list[Descriptor]:
        """An image's manifest and everything it refers to that is here, each once."""
        parts = {part.digest: part for part in self._manifests.tree(image)}
        return [part for part in parts.values() if self.blob_path(part.digest).exists()]

    # Inside

    def _naming(self, digest: str) -> Path:
        """Where a blob goes that has just been written."""
        self._referred.written(digest)
        return self.blob_path(digest)

    def _claim(self, part: Descriptor) -> None:
        path = self.blob_path(part.digest)
        if not _touch(path):
            raise self.blobs.unknown(part.digest)
        if path.stat().st_size != part.size:
            raise self.blobs.put_aside(part.digest)

    def _grant_grace(self, image: Descriptor) -> None:
        for part in self._manifests.tree(image):
            _touch(self.blob_path(part.digest))

    def _prepare(self) -> None:
        try:
            self.blobs.folder.mkdir(parents=True, exist_ok=True)
            if not (self.path / "oci-layout").exists():
                write_layout_file(self.path)
            if self.path.stat().st_mode & 0o077:
                # Images, and their names, are not for others of this machine.
                self.path.chmod(0o700)
        except OSError as error:
            raise disk_fault(error, "cannot write the image store", self.path) from error

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        self._prepare()
        with locked(self.path, kind):
            yield


def _touch(path: Path) -> bool:
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True

"""Which blobs of a layout its images refer to, and the removal of all others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cnbkit_engine.state.disk import disk_fault, sync_files, sync_folder

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from cnbkit_engine.oci.blobs import BlobFiles
    from cnbkit_engine.oci.manifests import Manifests
    from cnbkit_engine.oci.store_index import StoreIndex

__all__ = ["ReferredBlobs", "remove_unreferred"]


class ReferredBlobs:
    """What the images of a layout refer to, read again whenever their names have changed.

    Args:
        layout: the layout's folder.
        blobs: its blobs.
        index: its names.
        manifests: the manifests among the blobs.
    """

    def __init__(
        self, layout: Path, blobs: BlobFiles, index: StoreIndex, manifests: Manifests
    ) -> None:
        self._layout = layout
        self._blobs = blobs
        self._index = index
        self._manifests = manifests
        self._written: set[str] = set()
        self._sizes: tuple[tuple[int, int] | None, dict[str, int]] | None = None

    def written(self, digest: str) -> None:
        """Note that a blob has been written, whether or not an image refers to it already."""
        self._written.add(digest)

    def sizes(self) -> dict[str, int]:
        """Sizes of all blobs that images refer to, as their manifests say."""
        try:
            status = (self._layout / "index.json").stat()
            stamp = (status.st_mtime_ns, status.st_ino)
        except OSError:
            stamp = None
        if self._sizes is None or self._sizes[0] != stamp:
            entries = self._index.entries().values()
            known = {
                part.digest: part.size for entry in entries for part in self._manifests.tree(entry)
            }
            self._sizes = (stamp, known)
        return self._sizes[1]

    def settle(self, digests: list[str]) -> None:
        """Have blobs, and their names, on the disk for good.

        What another image refers to is there already, unless it was written again since.

        Raises:
            UnknownBlob: one has not been stored.
            PlatformFault: the disk refuses.
        """
        known = self.sizes().keys() - self._written
        new = [digest for digest in digests if digest not in known]
        for digest in new:
            if not self._blobs.path(digest).exists():
                raise self._blobs.unknown(digest)
        try:
            sync_files(self._blobs.path(digest) for digest in new)
            sync_folder(self._blobs.folder)
        except OSError as error:
            raise disk_fault(error, "cannot write the image store", self._layout) from error


def remove_unreferred(blobs: BlobFiles, kept: Collection[str], *, older_than: float) -> int:
    """Delete blobs, damaged ones and unfinished uploads; returns the bytes freed.

    Args:
        blobs: of the layout, whose lock the caller holds.
        kept: digests of those that images refer to.
        older_than: a time; what has been stamped since then stays.
    """
    freed = 0
    for folder in (blobs.folder, blobs.damaged):
        if not folder.is_dir():
            continue
        with os.scandir(folder) as files:
            for file in files:
                status = file.stat(follow_symlinks=False)
                spared = folder == blobs.folder and f"sha256:{file.name}" in kept
                if not spared and status.st_mtime < older_than:
                    os.unlink(file.path)
                    freed += status.st_size
    return freed

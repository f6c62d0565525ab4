"""What images are made of, as their manifests say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault
from cnbkit_engine.oci import types
from cnbkit_engine.oci.blobs import DigestMismatch, UnknownBlob
from cnbkit_engine.oci.types import Descriptor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cnbkit_engine.oci.blobs import BlobFiles

__all__ = ["Manifests"]

_SMALL = 8 << 20  # no manifest is larger


class Manifests:
    """Manifests and indexes among the blobs of a layout.

    Args:
        blobs: those.
    """

    def __init__(self, blobs: BlobFiles) -> None:
        self._blobs = blobs

    def find(self, digest: str, named: Iterable[Descriptor]) -> Descriptor | None:
        """A manifest that no name stands for: one platform's of an index, or a tag's earlier.

        Args:
            digest: its own.
            named: those with names.
        """
        try:
            if self._blobs.path(digest).stat().st_size > _SMALL:
                return None
            data = self._blobs.read(digest)
            kind = json.loads(data).get("mediaType")
        except (FileNotFoundError, UnknownBlob, DigestMismatch):
            return None
        except (AttributeError, ValueError, RecursionError):
            return None  # another blob
        if kind in types.MANIFEST_TYPES | types.INDEX_TYPES:
            return Descriptor(kind, digest, len(data))
        return self._part_of_an_index(digest, named)

    def _part_of_an_index(self, digest: str, named: Iterable[Descriptor]) -> Descriptor | None:
        """A manifest that does not say its own media type."""
        for entry in named:
            if entry.media_type in types.INDEX_TYPES:
                for part in self.tree(entry):
                    if part.digest == digest and part.media_type in (
                        types.MANIFEST_TYPES | types.INDEX_TYPES
                    ):
                        return part
        return None

    @staticmethod
    def parts(media_type: str, data: bytes, name: str) -> list[Descriptor]:
        """What a manifest or index that is not stored yet refers to.

        Args:
            media_type: what it is said to be.
            data: its text.
            name: of the image, for errors.

        Raises:
            PlatformFault: it is not that.
        """
        try:
            document = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise PlatformFault(
                "a manifest is not JSON",
                where=name,
                remedy="push the image again",
                detail=str(error),
            ) from error
        return types.references(media_type, document)

    def tree(self, image: Descriptor) -> Iterator[Descriptor]:
        """An image's parts; of a missing or damaged manifest that alone."""
        yield image
        if image.media_type in types.MANIFEST_TYPES | types.INDEX_TYPES:
            try:
                document = json.loads(self._blobs.read(image.digest))
            except (UnknownBlob, DigestMismatch):
                return  # layouts made by other tools may hold only some platforms
            for part in types.references(image.media_type, document):
                yield from self.tree(part)

"""Words of the OCI image specification: digests, descriptors, media types."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnbkit.errors import PlatformFault

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "GZIP_LAYER",
    "INDEX_TYPES",
    "MANIFEST_TYPES",
    "OCI_INDEX",
    "OCI_MANIFEST",
    "ZSTD_LAYER",
    "Descriptor",
    "check_digest",
    "references",
]

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
"""What the lifecycle calls its layers, in OCI manifests too."""
GZIP_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
ZSTD_LAYER = "application/vnd.oci.image.layer.v1.tar+zstd"
MANIFEST_TYPES = frozenset({OCI_MANIFEST, "application/vnd.docker.distribution.manifest.v2+json"})
INDEX_TYPES = frozenset({OCI_INDEX, "application/vnd.docker.distribution.manifest.list.v2+json"})

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Descriptor:
    """What one blob is (image-spec, "OCI Content Descriptors").

    Args:
        media_type: its media type, OCI's or Docker's.
        digest: `sha256:` and 64 hexadecimal digits.
        size: bytes.
    """

    media_type: str
    digest: str
    size: int

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Descriptor:
        """Read a descriptor from a manifest.

        Raises:
            PlatformFault: a field is missing, or the digest is not one.
        """
        try:
            size = value["size"]
            if type(size) is not int or not 0 <= size < 1 << 63:
                raise ValueError(size)
            return cls(str(value["mediaType"]), check_digest(value["digest"]), size)
        except (KeyError, TypeError, ValueError) as error:
            raise PlatformFault(
                "an image manifest holds a broken descriptor",
                where=str(value)[:200],
                remedy="build or pull the image again",
            ) from error


def check_digest(text: str) -> str:
    """Return `text` if it is a sha256 digest.

    Digests become file names, so this is also what keeps `../` out of the store.

    Raises:
        PlatformFault: it is not one.
    """
    if not isinstance(text, str) or not _DIGEST.fullmatch(text):
        raise PlatformFault(
            "not a sha256 digest",
            where=str(text)[:100],
            remedy="use sha256: and 64 hexadecimal digits",
        )
    return text


def references(media_type: str, document: Mapping[str, Any]) -> list[Descriptor]:
    """Everything a manifest or index points to and the store has to hold.

    Layers with `urls` ("foreign" layers) are by design fetched from elsewhere.

    Raises:
        PlatformFault: the document is not what its media type says.
    """
    try:
        if media_type in INDEX_TYPES:
            found = list(document["manifests"])
        elif media_type in MANIFEST_TYPES:
            found = [document["config"], *document["layers"]]
        else:
            found = []
        return [Descriptor.parse(item) for item in found if not item.get("urls")]
    except (AttributeError, KeyError, TypeError) as error:
        raise PlatformFault(
            f"this is not a document of type {media_type}",
            where=str(document)[:200],
            remedy="push the image again with a tool that follows the OCI image specification",
        ) from error

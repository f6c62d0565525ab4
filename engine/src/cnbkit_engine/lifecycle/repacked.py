"""An image's manifest with its layers compressed by zstd."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cnbkit_engine.lifecycle.compression import ZSTD, compressed
from cnbkit_engine.oci import types
from cnbkit_engine.oci.store import PIECE
from cnbkit_engine.oci.types import Descriptor
from cnbkit_engine.oci.unpack import open_plain
from cnbkit_engine.oci.zstd import MAGIC

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from typing import IO

    from cnbkit_engine.oci.store import ImageStore

__all__ = ["repacked"]


def repacked(
    store: ImageStore,
    manifest: Mapping[str, Any],
    base: Collection[str],
    known: Mapping[str, Descriptor],
) -> bytes:
    """An OCI manifest of the same image, which says of each layer what it is.

    The image's configuration, and with it its ID, stays: it names layers by what is in them.

    Args:
        store: has the layers, but those of `base` and `known`; gets new ones.
        manifest: as it is, of either kind.
        base: digests of the run image's layers, which stay: others have them, too.
        known: by their digests, layers of which it is known what they are.

    Raises:
        PlatformFault: a layer is damaged, or the disk refuses.
    """
    config = Descriptor.parse(manifest["config"])
    layers = [_layer(store, Descriptor.parse(each), base, known) for each in manifest["layers"]]
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": types.OCI_MANIFEST,
        "config": _told(Descriptor(types.OCI_CONFIG, config.digest, config.size)),
        "layers": [_told(each) for each in layers],
    }
    if annotations := manifest.get("annotations"):
        document["annotations"] = annotations
    return json.dumps(document, separators=(",", ":")).encode()


def _layer(
    store: ImageStore,
    layer: Descriptor,
    base: Collection[str],
    known: Mapping[str, Descriptor],
) -> Descriptor:
    if layer.digest in base:
        zstd = layer.media_type == types.ZSTD_LAYER
        kind = layer.media_type if zstd else types.GZIP_LAYER
        return Descriptor(kind, layer.digest, layer.size)
    if earlier := known.get(layer.digest):
        return earlier
    with store.open_for_reading(layer) as blob:
        start = blob.read(len(MAGIC))
        blob.seek(0)
        if start == MAGIC:
            return Descriptor(types.ZSTD_LAYER, layer.digest, layer.size)
        with store.open_blob() as packed:
            for piece in compressed(_pieces(open_plain(blob)), ZSTD):
                packed.write(piece)
            return Descriptor(types.ZSTD_LAYER, packed.commit(None), packed.size)


def _pieces(plain: IO[bytes]) -> Iterator[bytes]:
    while piece := plain.read(PIECE):
        yield piece


def _told(part: Descriptor) -> dict[str, Any]:
    return {"mediaType": part.media_type, "digest": part.digest, "size": part.size}

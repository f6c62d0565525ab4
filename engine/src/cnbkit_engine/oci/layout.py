"""An OCI image layout that is being written: layers, configs, manifests, index."""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from cnbkit_engine.oci.layer import write_layer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from cnbkit_engine.oci.layer import Entry

__all__ = ["CREATED", "BuiltLayer", "Layout"]

CREATED = "1980-01-01T00:00:01Z"
_INDEX = "application/vnd.oci.image.index.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True)
class BuiltLayer:
    """A layer that has been written.

    Args:
        descriptor: as manifests refer to it.
        diff_id: digest of its uncompressed tar.
        history: who made it.
    """

    descriptor: Mapping[str, Any]
    diff_id: str
    history: str = "cnbkit"


class Layout:
    """A new OCI image layout.

    Args:
        path: where to write it; made if missing.

    Raises:
        OSError: the disk refuses (any method).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._blobs = path / "blobs" / "sha256"
        self._blobs.mkdir(parents=True, exist_ok=True)

    def layer(self, entries: Iterable[Entry], history: str = "cnbkit") -> BuiltLayer:
        """Write a layer."""
        partial = self._blobs / f".partial-{os.urandom(8).hex()}"
        with partial.open("wb") as file:
            out = _Hashed(file)
            diff_id = write_layer(entries, out)  # type: ignore[arg-type]
        digest = out.hash.hexdigest()
        size = partial.stat().st_size
        partial.rename(self._blobs / digest)
        descriptor = {"mediaType": _LAYER, "digest": f"sha256:{digest}", "size": size}
        return BuiltLayer(descriptor, diff_id, history)

    def layers(self, contents: Iterable[tuple[Iterable[Entry], str]]) -> list[BuiltLayer]:
        """Write layers beside each other, as compression takes long; the order is kept.

        Args:
            contents: entries and history of each.
        """
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            return list(pool.map(lambda each: self.layer(*each), contents))

    def adopt(self, blob: Path) -> None:
        """Take over a blob of another layout, by a hard link where that is possible."""
        target = self._blobs / blob.name
        if target.exists():
            return
        try:
            target.hardlink_to(blob)
        except OSError:  # another file system, or links to others' files are forbidden
            from shutil import copyfile

            copyfile(blob, target)

    def image(
        self,
        config: Mapping[str, Any],
        layers: Sequence[BuiltLayer],
        base: Sequence[Any] = (),
        annotations: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Write an image's config and manifest; returns the manifest's descriptor.

        Args:
            config: the config without `created`, `rootfs` and `history`, which this adds; what
                they hold already is the base image's and comes first.
            layers: what to add, bottom first.
            base: descriptors of the base image's layers.
            annotations: of the manifest.
        """
        rootfs = config.get("rootfs") or {}
        document = {
            **config,
            "created": CREATED,
            "rootfs": {
                "type": "layers",
                "diff_ids": [
                    *(rootfs.get("diff_ids") or ()),
                    *(layer.diff_id for layer in layers),
                ],
            },
            "history": [
                *(config.get("history") or ()),
                *({"created": CREATED, "created_by": layer.history} for layer in layers),
            ],
        }
        manifest: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": self._json(document, _CONFIG),
            "layers": [*base, *(layer.descriptor for layer in layers)],
        }
        if annotations:
            manifest["annotations"] = dict(annotations)
        platform = {key: config[key] for key in ("os", "architecture", "variant") if key in config}
        return {**self._json(manifest, _MANIFEST), "platform": platform}

    def index(self, manifests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Write an index of several platforms' images; returns its descriptor."""
        document = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": list(manifests)}
        return self._json(document, _INDEX)

    def finish(self, image: Mapping[str, Any], name: str = "") -> None:
        """Write index.json, which makes the layout one.

        Args:
            image: descriptor of the image or index.
            name: how to call it, if at all.
        """
        entry = {key: image[key] for key in ("mediaType", "digest", "size")}
        if "platform" in image:
            entry["platform"] = image["platform"]
        if name:
            entry["annotations"] = {"org.opencontainers.image.ref.name": name}
        index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [entry]}
        (self.path / "index.json").write_bytes(_encoded(index))
        (self.path / "oci-layout").write_bytes(b'{"imageLayoutVersion":"1.0.0"}')

    def _json(self, document: Mapping[str, Any], media_type: str) -> dict[str, Any]:
        data = _encoded(document)
        digest = hashlib.sha256(data).hexdigest()
        (self._blobs / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}


class _Hashed:
    """A file to write to that hashes what passes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.hash = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.hash.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        """Nothing is held back here."""


def _encoded(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()

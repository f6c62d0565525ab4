"""Launch layers put into the store before the lifecycle exports the image.

The lifecycle's exporter archives one layer after the other, compresses each twice (for its digest,
and again to send it) and uses one processor. So for a first image its work is done beforehand:
each launch layer becomes a blob of the store, several at a time and with a faster compressor, and
one image made of them is named to the exporter as the previous one. It then treats the layers as
a buildpack's that were kept without contents, which is the contract's own way (buildpack spec,
"Layer types"): nothing of the exporter is changed, and the image is the one it would have made.
"""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tomli_w
from isal import isal_zlib

from cnbkit.platform import oci
from cnbkit.platform.layer_tar import Unusual, layer_tar
from cnbkit.platform.oci import Descriptor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cnbkit.platform.store import ImageStore

__all__ = ["ReadyLayers"]

_GZIP = 31  # the window of 32 KiB, with gzip's header
_LEVEL = 2  # Go's fastest level makes it no smaller, in five times the time
_NOT_LAYERS = {"build.toml", "launch.toml", "store.toml"}


@dataclass(frozen=True)
class _Layer:
    buildpack: str
    version: str
    name: str
    folder: Path
    inside: str

    @property
    def identifier(self) -> str:
        """As the lifecycle names it in its output."""
        return f"{self.buildpack}:{self.name}"


class ReadyLayers:
    """The launch layers of a build whose app has no image yet; for use in a `with` block.

    Args:
        layers: the build's layers folder, which is `/layers` for the lifecycle; after its builder
            and before its exporter.
        aside: an empty folder on the same disk, for contents that are in the store.
        store: gets the blobs, and until the block ends an image of them.
        host: the registry that serves the store, as image names begin.
        arch: the image's architecture, in Go's words.
        uid: owner of the image's files.
        gid: group of the image's files.
        alone: also if the app has an image, of which nothing is to be re-used.
    """

    def __init__(
        self,
        layers: Path,
        aside: Path,
        store: ImageStore,
        host: str,
        *,
        arch: str,
        uid: int,
        gid: int,
        alone: bool = False,
    ) -> None:
        self._layers = layers
        self._aside = aside
        self._store = store
        self._host = host
        self._arch = arch
        self._ids = (uid, gid)
        self._alone = alone
        self._name = f"cnbkit/ready-{os.urandom(8).hex()}:latest"
        self._named = False
        self._stopped = False

    def __enter__(self) -> frozenset[str]:
        """Compress; returns the layers' identifiers, like `cnbkit/pip:site`.

        There are none if the app has an image already, and is not built without it.

        Raises:
            StoreFull: the disk is full.
            PlatformFault: the store cannot be written.
        """
        analyzed_path = self._layers / "analyzed.toml"
        analyzed = tomllib.loads(analyzed_path.read_text(encoding="utf-8"))
        if analyzed.get("image", {}).get("reference") and not self._alone:
            return frozenset()
        ready = self._compressed(list(self._found()))
        if not ready:
            return frozenset()
        digest = self._named_image(ready)
        analyzed["image"] = {"reference": f"{self._host}/{self._name.partition(':')[0]}@{digest}"}
        analyzed["metadata"] = {"buildpacks": _metadata(ready)}
        analyzed_path.write_text(tomli_w.dumps(analyzed), encoding="utf-8")
        for number, layer in enumerate(ready):
            layer.folder.rename(self._aside / str(number))
        return frozenset(layer.identifier for layer in ready)

    def __exit__(self, *_: object) -> None:
        if self._named:
            self._store.remove(self._name)

    def _found(self) -> Iterator[_Layer]:
        group = tomllib.loads((self._layers / "group.toml").read_text(encoding="utf-8"))
        for member in group.get("group", ()):
            folder = self._layers / member["id"].replace("/", "_")
            for file in sorted(folder.glob("*.toml")):
                if file.name in _NOT_LAYERS or not file.with_suffix("").is_dir():
                    continue
                try:
                    types = tomllib.loads(file.read_text(encoding="utf-8")).get("types", {})
                except (ValueError, AttributeError):
                    continue  # for the exporter to complain of
                # One that is cached too has to keep its contents until they are in the cache.
                if types.get("launch") is True and not types.get("cache"):
                    contents = file.with_suffix("")
                    inside = f"/layers/{folder.name}/{contents.name}"
                    yield _Layer(member["id"], member["version"], contents.name, contents, inside)

    def _compressed(self, layers: list[_Layer]) -> dict[_Layer, tuple[str, Descriptor]]:
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            tasks = [pool.submit(self._compress, layer) for layer in layers]
            try:
                results = [task.result() for task in tasks]
            except BaseException:
                self._stopped = True
                pool.shutdown(cancel_futures=True)
                raise
        pairs = zip(layers, results, strict=True)
        return {layer: result for layer, result in pairs if result is not None}

    def _compress(self, layer: _Layer) -> tuple[str, Descriptor] | None:
        uid, gid = self._ids
        whole = hashlib.sha256()
        packed = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _GZIP)
        try:
            with self._store.open_blob() as blob:
                for piece in layer_tar(layer.folder, layer.inside, uid=uid, gid=gid):
                    if self._stopped:
                        return None
                    whole.update(piece)
                    blob.write(packed.compress(piece))
                blob.write(packed.flush())
                digest = blob.commit(None)
        except (Unusual, OSError):
            return None  # the exporter does it, or says what is wrong
        return f"sha256:{whole.hexdigest()}", Descriptor(oci.LAYER, digest, blob.size)

    def _named_image(self, ready: dict[_Layer, tuple[str, Descriptor]]) -> str:
        config = {
            "architecture": self._arch,
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [diff_id for diff_id, _ in ready.values()]},
        }
        data = json.dumps(config).encode()
        parts = [Descriptor(oci.OCI_CONFIG, self._store.put_blob(data), len(data))]
        parts += [blob for _, blob in ready.values()]
        described = [
            {"mediaType": part.media_type, "digest": part.digest, "size": part.size}
            for part in parts
        ]
        manifest: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": oci.OCI_MANIFEST,
            "config": described[0],
            "layers": described[1:],
        }
        digest = self._store.put_manifest(
            self._name, oci.OCI_MANIFEST, json.dumps(manifest).encode()
        )
        self._named = True
        return digest


def _metadata(ready: dict[_Layer, tuple[str, Descriptor]]) -> list[dict[str, Any]]:
    """What analyzed.toml says of a previous image's layers."""
    buildpacks: dict[str, dict[str, Any]] = {}
    for layer, (diff_id, _) in ready.items():
        of = buildpacks.setdefault(
            layer.buildpack, {"key": layer.buildpack, "version": layer.version, "layers": {}}
        )
        of["layers"][layer.name] = {"sha": diff_id}
    return list(buildpacks.values())

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

from cnbkit_engine.lifecycle.layer_tar import Unusual, layer_tar
from cnbkit_engine.oci import types
from cnbkit_engine.oci.types import Descriptor
from cnbkit_engine.state.beneath import Folder, Unfit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cnbkit_engine.lifecycle.handover import Member
    from cnbkit_engine.oci.store import ImageStore

__all__ = ["Ready", "ReadyLayers"]

_GZIP = 31  # the window of 32 KiB, with gzip's header
_LEVEL = 2  # Go's fastest level makes it no smaller, in five times the time
_LIMIT = 64 << 20  # bytes of a layer's own document
_NOT_LAYERS = {"build.toml", "launch.toml", "store.toml"}


@dataclass(frozen=True)
class Ready:
    """Layers that are in the store.

    Args:
        layers: their identifiers, as the lifecycle names them: `cnbkit/pip:site`.
        repository: of the image made of them; empty if there is none.
        analyzed: analyzed.toml, which names that image as the previous one.
    """

    layers: frozenset[str]
    repository: str
    analyzed: bytes


@dataclass(frozen=True)
class _Layer:
    buildpack: Member
    name: str

    @property
    def identifier(self) -> str:
        return f"{self.buildpack.id}:{self.name}"

    @property
    def place(self) -> str:
        """Its folder, below the layers folder."""
        return f"{self.buildpack.folder}/{self.name}"


class ReadyLayers:
    """The launch layers of a build whose app has no image yet; for use in a `with` block.

    Args:
        layers: the folder that will be the exporter's `/layers`; no build code may run any more.
        aside: an empty folder on the same disk, for contents that are in the store.
        store: gets the blobs, and until the block ends an image of them.
        host: the registry that serves the store, as image names begin.
        group: the buildpacks.
        analyzed: analyzed.toml, as the analyzer has written it.
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
        group: Sequence[Member],
        analyzed: bytes,
        arch: str,
        uid: int,
        gid: int,
        alone: bool = False,
    ) -> None:
        self._places = (layers, aside)
        self._store = store
        self._host = host
        self._group = group
        self._analyzed = analyzed
        self._arch = arch
        self._ids = (uid, gid)
        self._alone = alone
        self._repository = f"cnbkit/ready-{os.urandom(8).hex()}"
        self._named = False
        self._stopped = False

    def __enter__(self) -> Ready:
        """Compress.

        There are none if the app has an image already, and is not built without it.

        Raises:
            StoreFull: the disk is full.
            PlatformFault: the store cannot be written.
        """
        nothing = Ready(frozenset(), "", self._analyzed)
        analyzed = tomllib.loads(self._analyzed.decode())
        if analyzed.get("image", {}).get("reference") and not self._alone:
            return nothing
        layers, aside = self._places
        with Folder(layers) as folder, Folder(aside) as elsewhere:
            ready = self._compressed(folder, list(self._found(folder)))
            if not ready:
                return nothing
            digest = self._named_image(ready)
            for number, layer in enumerate(ready):
                folder.move(layer.place, elsewhere, str(number))
        analyzed["image"] = {"reference": f"{self._host}/{self._repository}@{digest}"}
        analyzed["metadata"] = {"buildpacks": _metadata(ready)}
        return Ready(
            frozenset(layer.identifier for layer in ready),
            self._repository,
            tomli_w.dumps(analyzed).encode(),
        )

    def __exit__(self, *_: object) -> None:
        if self._named:
            self._store.remove(f"{self._repository}:latest")

    def _found(self, layers: Folder) -> Iterator[_Layer]:
        for member in self._group:
            if not layers.is_folder(member.folder):
                continue
            with layers.folder(member.folder) as folder:
                for file in folder.names():
                    name = file.removesuffix(".toml")
                    if name == file or file in _NOT_LAYERS or not folder.is_folder(name):
                        continue
                    try:
                        text = folder.read(file, _LIMIT).decode()
                        types = tomllib.loads(text).get("types", {})
                        launch, cache = types.get("launch"), types.get("cache")
                    except (ValueError, AttributeError, Unfit, OSError):
                        continue  # for the exporter to complain of
                    # A cached one has to keep its contents until they are in the cache.
                    if launch is True and not cache:
                        yield _Layer(member, name)

    def _compressed(
        self, folder: Folder, layers: list[_Layer]
    ) -> dict[_Layer, tuple[str, Descriptor]]:
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            tasks = [pool.submit(self._compress, folder, layer) for layer in layers]
            try:
                results = [task.result() for task in tasks]
            except BaseException:
                self._stopped = True
                pool.shutdown(cancel_futures=True)
                raise
        pairs = zip(layers, results, strict=True)
        return {layer: result for layer, result in pairs if result is not None}

    def _compress(self, folder: Folder, layer: _Layer) -> tuple[str, Descriptor] | None:
        uid, gid = self._ids
        whole = hashlib.sha256()
        packed = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _GZIP)
        try:
            with self._store.open_blob() as blob:
                for piece in layer_tar(folder, layer.place, "/layers", uid=uid, gid=gid):
                    if self._stopped:
                        return None
                    whole.update(piece)
                    blob.write(packed.compress(piece))
                blob.write(packed.flush())
                digest = blob.commit(None)
        except (Unusual, OSError):
            return None  # the exporter does it, or says what is wrong
        return f"sha256:{whole.hexdigest()}", Descriptor(types.LAYER, digest, blob.size)

    def _named_image(self, ready: dict[_Layer, tuple[str, Descriptor]]) -> str:
        config = {
            "architecture": self._arch,
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [diff_id for diff_id, _ in ready.values()]},
        }
        data = json.dumps(config).encode()
        parts = [Descriptor(types.OCI_CONFIG, self._store.put_blob(data), len(data))]
        parts += [blob for _, blob in ready.values()]
        described = [
            {"mediaType": part.media_type, "digest": part.digest, "size": part.size}
            for part in parts
        ]
        manifest: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": types.OCI_MANIFEST,
            "config": described[0],
            "layers": described[1:],
        }
        digest = self._store.put_manifest(
            f"{self._repository}:latest", types.OCI_MANIFEST, json.dumps(manifest).encode()
        )
        self._named = True
        return digest


def _metadata(ready: dict[_Layer, tuple[str, Descriptor]]) -> list[dict[str, Any]]:
    """What analyzed.toml says of a previous image's layers."""
    buildpacks: dict[str, dict[str, Any]] = {}
    for layer, (diff_id, _) in ready.items():
        of = buildpacks.setdefault(
            layer.buildpack.id,
            {"key": layer.buildpack.id, "version": layer.buildpack.version, "layers": {}},
        )
        of["layers"][layer.name] = {"sha": diff_id}
    return list(buildpacks.values())

"""Launch layers put into the store before the lifecycle exports the image.

The lifecycle's exporter archives one layer after the other, compresses each twice (for its digest,
and again to send it) and uses one processor. So its work is done beforehand: each launch layer with
new contents becomes a blob of the store, several at a time and with a faster compressor, and one
image of them and the previous image's layers is named to the exporter as the previous one. It then
treats the layers as a buildpack's that were kept without contents, which is the contract's own way
(buildpack spec, "Layer types"): nothing of the exporter is changed, and the image is the one it
would have made. A layer that is cached keeps its contents, and the exporter sees by their digest
that the previous image has it.

All builds do so, not only the first: else the compressor, and with it the layer's digest, would
depend on which build it was made by.
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

from cnbkit_engine.lifecycle.compression import GZIP, ZSTD, compressed
from cnbkit_engine.lifecycle.earlier_image import earlier_layers
from cnbkit_engine.lifecycle.layer_tar import Unusual, layer_tar
from cnbkit_engine.oci import types
from cnbkit_engine.oci.awaited import await_all
from cnbkit_engine.oci.types import Descriptor
from cnbkit_engine.state.beneath import Folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from cnbkit_engine.lifecycle.launch_layers import LaunchLayer
    from cnbkit_engine.lifecycle.outgoing import Outgoing
    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.registry.server import Registry

__all__ = ["Ready", "ReadyLayers"]


@dataclass(frozen=True)
class Ready:
    """Layers that are in the store.

    Args:
        layers: those with new contents, as the lifecycle names them: `cnbkit/pip:site`.
        repository: of the image made of them; empty if there is none.
        analyzed: analyzed.toml, which names that image as the previous one.
    """

    layers: frozenset[str]
    repository: str
    analyzed: bytes


class ReadyLayers:
    """The launch layers that a build has made; for use in a `with` block.

    Args:
        folder: will be the exporter's `/layers`; no build code may run any more.
        aside: an empty folder on the same disk, for contents that are in the store.
        store: gets the blobs.
        registry: serves the store, and until the block ends an image of them.
        layers: those that have contents.
        analyzed: analyzed.toml, as the analyzer has written it.
        target: the image to make.
        arch: its architecture, in Go's words.
        uid: owner of the image's files.
        gid: group of the image's files.
        insecure: registries to speak plain HTTP to.
        alone: re-use nothing of the image that the app has.
        outgoing: what the image leaves by where the exporter does not publish it; its layers are
            compressed by zstd then.
        tell: is told how far it has come, where that takes long.
    """

    def __init__(
        self,
        folder: Path,
        aside: Path,
        store: ImageStore,
        registry: Registry,
        layers: Sequence[LaunchLayer],
        *,
        analyzed: bytes,
        target: str,
        arch: str,
        uid: int,
        gid: int,
        insecure: Sequence[str] = (),
        alone: bool = False,
        outgoing: Outgoing | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._tell = tell
        self._read: dict[str, int] = {}
        self._places = (folder, aside)
        self._store = store
        self._registry = registry
        # The exporter archives what was kept to compare it, and finds it in the previous image.
        self._layers = [layer for layer in layers if not layer.kept or alone]
        self._analyzed = analyzed
        self._target = target
        self._arch = arch
        self._ids = (uid, gid)
        self._insecure = insecure
        self._alone = alone
        self._outgoing = outgoing
        self._kind = ZSTD if outgoing else GZIP
        self._repository = f"cnbkit/ready-{os.urandom(8).hex()}"
        self._stopped = False

    def __enter__(self) -> Ready:
        """Compress.

        Raises:
            StoreFull: the disk is full.
            PlatformFault: the store cannot be written.
        """
        nothing = Ready(frozenset(), "", self._analyzed)
        analyzed = tomllib.loads(self._analyzed.decode())
        before = analyzed.get("image", {}).get("reference", "")
        earlier: dict[str, Descriptor] | None = {}
        if self._outgoing:
            earlier = self._outgoing.earlier
        elif self._layers and before and not self._alone:
            earlier = earlier_layers(
                before, self._store, self._registry.host, self._target, self._arch, self._insecure
            )
        if not self._layers or earlier is None:
            return nothing
        metadata = {} if self._alone else analyzed.get("metadata", {})
        known = _Known(metadata)
        folder, aside = self._places
        with Folder(folder) as layers, Folder(aside) as elsewhere:
            made = self._compressed(layers, known, earlier)
            if not made:
                return nothing
            for number, layer in enumerate(made):
                if not layer.cached:  # its contents have to stay until they are in the cache
                    layers.move(layer.place, elsewhere, str(number))
        new = [layer for layer, (diff_id, _) in made.items() if known.digest(layer) != diff_id]
        for layer, (diff_id, _) in made.items():
            known.put(layer, diff_id)
        blobs = dict(made.values()) | earlier
        digest = self._offered(blobs)
        analyzed["image"] = {"reference": f"{self._registry.host}/{self._repository}@{digest}"}
        analyzed["metadata"] = metadata
        return Ready(
            frozenset(layer.identifier for layer in new),
            self._repository,
            tomli_w.dumps(analyzed).encode(),
        )

    def __exit__(self, *_: object) -> None:
        self._registry.withdraw(self._repository)

    def _compressed(
        self, folder: Folder, known: _Known, earlier: Mapping[str, Descriptor]
    ) -> dict[LaunchLayer, tuple[str, Descriptor]]:
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            tasks = [
                pool.submit(self._compress, folder, layer, known.digest(layer), earlier)
                for layer in self._layers
            ]
            try:
                await_all(tasks, self._say)
                results = [task.result() for task in tasks]
            except BaseException:
                self._stopped = True
                pool.shutdown(cancel_futures=True)
                raise
        pairs = zip(self._layers, results, strict=True)
        return {layer: result for layer, result in pairs if result is not None}

    def _say(self, done: int) -> None:
        read = sum([*self._read.values()])
        self._tell(f"    {read / 1e6:.0f} MB compressed, {done} of {len(self._layers)} layers done")

    def _compress(
        self, folder: Folder, layer: LaunchLayer, before: str, earlier: Mapping[str, Descriptor]
    ) -> tuple[str, Descriptor] | None:
        """Its diffID and its blob; None if it is left to the exporter."""
        try:
            if layer.cached and before in earlier:
                # Most are as the cache gave them, and need no compressing.
                same = _Hashed(self._archive(folder, layer))
                for _ in same:
                    pass
                if same.digest == before:
                    return None
            archive = _Hashed(self._archive(folder, layer))
            with self._store.open_blob() as blob:
                for piece in compressed(archive, self._kind):
                    blob.write(piece)
                if self._stopped:
                    return None
                if archive.digest in earlier:
                    return archive.digest, earlier[archive.digest]
                digest = blob.commit(None)
        except (Unusual, OSError):
            return None  # the exporter does it, or says what is wrong
        kind = types.ZSTD_LAYER if self._outgoing else types.LAYER
        return archive.digest, Descriptor(kind, digest, blob.size)

    def _archive(self, folder: Folder, layer: LaunchLayer) -> Iterator[bytes]:
        uid, gid = self._ids
        for piece in layer_tar(folder, layer.place, "/layers", uid=uid, gid=gid):
            if self._stopped:
                return
            self._read[layer.identifier] = self._read.get(layer.identifier, 0) + len(piece)
            yield piece

    def _offered(self, blobs: Mapping[str, Descriptor]) -> str:
        """Have the registry answer with an image of some layers; its digest."""
        config = {
            "architecture": self._arch,
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": list(blobs)},
        }
        data = json.dumps(config).encode()
        parts = [Descriptor(types.OCI_CONFIG, self._store.put_blob(data), len(data))]
        described = [
            {"mediaType": part.media_type, "digest": part.digest, "size": part.size}
            for part in (*parts, *blobs.values())
        ]
        manifest: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": types.OCI_MANIFEST,
            "config": described[0],
            "layers": described[1:],
        }
        return self._registry.offer(
            self._repository, types.OCI_MANIFEST, json.dumps(manifest).encode()
        )


class _Known:
    """What analyzed.toml says of a previous image's layers.

    Args:
        metadata: its table, which `put` changes.
    """

    def __init__(self, metadata: dict[str, Any]) -> None:
        self._buildpacks: list[dict[str, Any]] = metadata.setdefault("buildpacks", [])

    def digest(self, layer: LaunchLayer) -> str:
        """The diffID of a layer of this name; empty if there was none."""
        for of in self._buildpacks:
            if of.get("key") == layer.buildpack.id:
                return str(of.get("layers", {}).get(layer.name, {}).get("sha", ""))
        return ""

    def put(self, layer: LaunchLayer, diff_id: str) -> None:
        """Let the layer have been this one."""
        for of in self._buildpacks:
            if of.get("key") == layer.buildpack.id:
                break
        else:
            of = {"key": layer.buildpack.id, "version": layer.buildpack.version}
            self._buildpacks.append(of)
        of.setdefault("layers", {})[layer.name] = {"sha": diff_id}


class _Hashed:
    """Pieces of an archive, and when all have been taken the archive's digest."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._hash = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._hash.update(piece)
            yield piece

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"

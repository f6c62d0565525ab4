"""An image that the exporter leaves with the engine, which publishes it.

The exporter calls every layer gzip that it adds or re-uses, whatever it is. So an image with other
layers it does not publish itself: it exports into the build's own registry, which keeps the
manifest aside. Blobs that are elsewhere, the run image's and the earlier image's, it is told are
there, and sends none of them. What it has compressed itself (the app's files, the list of what is
in the image) is compressed anew, the manifest then says of each layer what it is, and is pushed
with what the target's registry lacks.
"""

from __future__ import annotations

import json
import os
import tomllib
from typing import TYPE_CHECKING

from cnbkit.errors import CnbkitError
from cnbkit_engine.lifecycle.repacked import repacked
from cnbkit_engine.oci import types
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.remote import Remote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.oci.types import Descriptor
    from cnbkit_engine.registry.server import Registry

__all__ = ["Outgoing"]


class Outgoing:
    """An image whose layers are compressed by zstd, all but the run image's; for a `with` block.

    Args:
        registry: the build's own.
        store: what that serves; gets the blobs.
        names: of the image, in registries.
        arch: of the image.
        insecure: registries to speak plain HTTP to.
    """

    def __init__(
        self,
        registry: Registry,
        store: ImageStore,
        names: Sequence[str],
        arch: str,
        insecure: Sequence[str],
    ) -> None:
        self.repository = f"cnbkit/outgoing-{os.urandom(8).hex()}"
        self.place = f"{registry.host}/{self.repository}:latest"
        self.earlier: dict[str, Descriptor] = {}
        """The layers of the earlier image, by their diffIDs."""
        self._registry = registry
        self._store = store
        self._names = names
        self._arch = arch
        self._insecure = insecure
        self._base: set[str] = set()
        self._sources: dict[str, Remote] = {}

    def __enter__(self) -> Outgoing:
        return self

    def __exit__(self, *_: object) -> None:
        self._registry.forget_expected(self.repository)

    def expect(self, analyzed: bytes, *, alone: bool) -> None:
        """Let the exporter leave the image.

        Args:
            analyzed: analyzed.toml, which names the run image and the earlier image.
            alone: re-use nothing of the earlier image.

        Raises:
            UserFault, PlatformFault: the run image cannot be read.
        """
        told = tomllib.loads(analyzed.decode())
        elsewhere: list[Descriptor] = []
        run_image = str(told["run-image"]["reference"])
        if run_image.startswith(f"{self._registry.host}/"):
            layers = [layer.descriptor for layer in self._in_store(run_image).layers]
        else:
            layers = self._in_registry(run_image)
            elsewhere += layers
        self._base = {layer.digest for layer in layers}
        before = str((told.get("image") or {}).get("reference") or "")
        if before and not alone:
            remote = Remote(before, insecure=self._insecure)
            try:
                self.earlier = remote.blobs(self._arch)
            except CnbkitError:
                self.earlier = {}  # the exporter says what is wrong
            self._sources |= {each.digest: remote for each in self.earlier.values()}
            elsewhere += self.earlier.values()
        sizes = {each.digest: each.size for each in elsewhere}
        self._registry.expect(self.repository, sizes)

    def publish(self) -> str:
        """Push what the exporter has left; returns the image's digest.

        Raises:
            PlatformFault: a registry cannot be reached or refuses; the names stand for what they
                stood for before.
        """
        manifest = json.loads(self._registry.left(self.repository))
        known = {each.digest: each for each in self.earlier.values()}
        data = repacked(self._store, manifest, self._base, known)
        digest = ""
        for name in self._names:
            remote = Remote(name, insecure=self._insecure)
            digest = remote.push_manifest(self._store, types.OCI_MANIFEST, data, self._sources)
        return digest

    def _in_store(self, reference: str) -> Image:
        served = reference.removeprefix(f"{self._registry.host}/")
        repository, _, digest = served.rpartition("@")
        name = f"{Reference.unserved(repository)}@{digest}"
        return Image.from_store(self._store, name, f"linux/{self._arch}")

    def _in_registry(self, reference: str) -> list[Descriptor]:
        remote = Remote(reference, insecure=self._insecure)
        layers = remote.layers(self._arch)
        self._sources |= {layer.digest: remote for layer in layers}
        return layers

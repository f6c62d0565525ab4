"""The layers of the image that a build continues from, wherever it lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit.errors import CnbkitError
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.oci.types import Descriptor

__all__ = ["earlier_layers"]


def earlier_layers(
    reference: str, store: ImageStore, host: str, target: str, arch: str, insecure: Sequence[str]
) -> dict[str, Descriptor] | None:
    """Its blobs by their diffIDs; None if they cannot be known, or not be named from elsewhere.

    Args:
        reference: the image, as the analyzer found it: with a registry's host and a digest.
        store: where it is if the host is the store's.
        host: the registry that serves the store.
        target: the image to make.
        arch: what it is for.
        insecure: registries to speak plain HTTP to.
    """
    try:
        if reference.startswith(f"{host}/"):
            repository, _, digest = reference.removeprefix(f"{host}/").rpartition("@")
            name = f"{Reference.unserved(repository)}@{digest}"
            image = Image.from_store(store, name, f"linux/{arch}")
            return {layer.diff_id: layer.descriptor for layer in reversed(image.layers)}
        if Reference.parse(reference).repository != Reference.parse(target).repository:
            # Only the exporter can have a registry take blobs over from another repository.
            return None
        from cnbkit_engine.oci.remote import Remote

        return Remote(reference, insecure=insecure).blobs(arch)
    except CnbkitError:
        return None  # the exporter says what is wrong

"""`cnbkit push`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cnbkit_engine.cli.progress import at_work
from cnbkit_engine.cli.say import say

if TYPE_CHECKING:
    from cnbkit_engine.oci.image import Image
    from cnbkit_engine.oci.remote import Remote
    from cnbkit_engine.oci.store import ImageStore

__all__ = ["command"]


@click.command("push")
@click.argument("image")
@click.argument("reference")
@click.option(
    "--compression",
    type=click.Choice(["zstd"]),
    help="Send the app's layers compressed so, and not as they are.",
)
@click.option(
    "--insecure-registry", "insecure", metavar="HOST", multiple=True, help="Speak plain HTTP to it."
)
def command(image: str, reference: str, compression: str | None, insecure: tuple[str, ...]) -> None:
    """Send IMAGE to a registry under the name REFERENCE.

    IMAGE is one that `cnbkit build` made, or oci:DIR[:NAME] for an OCI layout. What the registry
    has already is not sent again. Who may push is told by Docker's own login (`docker login`,
    credential helpers), or DOCKER_CONFIG.
    """
    from cnbkit_engine.oci.open_image import open_image
    from cnbkit_engine.oci.remote import Remote
    from cnbkit_engine.state.home import Home

    if compression and image.startswith("oci:"):
        raise click.UsageError("--compression is for images of the local store")
    remote = Remote(reference, insecure=insecure)
    store, found = open_image(Home.default(), image)
    with at_work(f"sending {image} to {reference}"):
        if compression == "zstd":
            digest = _push_by_zstd(remote, store, found)
        else:
            digest = remote.push(store.path, store.resolve(found.name))
    say(f"{reference}  {digest}")


def _push_by_zstd(remote: Remote, store: ImageStore, image: Image) -> str:
    """Push an image with its layers compressed by zstd, all but the run image's."""
    from cnbkit.errors import UserFault
    from cnbkit_engine.lifecycle.repacked import repacked
    from cnbkit_engine.oci.types import INDEX_TYPES, OCI_MANIFEST

    if store.resolve(image.name).media_type in INDEX_TYPES:
        raise UserFault(
            f"{image.name} is several images, one for each processor, which are sent as they are",
            where="--compression zstd",
            remedy="publish each by `cnbkit build --publish --compression zstd`",
        )
    base = {layer.digest for layer in image.layers if layer.kind == "base"}
    data = repacked(store, image.manifest, base, {})
    return remote.push_manifest(store, OCI_MANIFEST, data, {})

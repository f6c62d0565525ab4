"""`cnbkit push`."""

from __future__ import annotations

import click

from cnbkit_engine.cli.progress import at_work
from cnbkit_engine.cli.say import say

__all__ = ["command"]


@click.command("push")
@click.argument("image")
@click.argument("reference")
@click.option(
    "--insecure-registry", "insecure", metavar="HOST", multiple=True, help="Speak plain HTTP to it."
)
def command(image: str, reference: str, insecure: tuple[str, ...]) -> None:
    """Send IMAGE to a registry under the name REFERENCE.

    IMAGE is one that `cnbkit build` made, or oci:DIR[:NAME] for an OCI layout. What the registry
    has already is not sent again. Who may push is told by Docker's own login (`docker login`,
    credential helpers), or DOCKER_CONFIG.
    """
    from cnbkit_engine.oci.open_image import open_image
    from cnbkit_engine.oci.remote import Remote
    from cnbkit_engine.state.home import Home

    remote = Remote(reference, insecure=insecure)
    store, found = open_image(Home.default(), image)
    with at_work(f"sending {image} to {reference}"):
        digest = remote.push(store.path, store.resolve(found.name))
    say(f"{reference}  {digest}")

"""`cnbkit rmi`."""

from __future__ import annotations

import click

from cnbkit_engine.cli.say import say

__all__ = ["command"]


@click.command("rmi")
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
def command(images: tuple[str, ...]) -> None:
    """Remove images from this machine.

    What other images have in common with them stays. `cnbkit prune` gives back the space of the
    rest.
    """
    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.state.home import Home

    store = ImageStore(Home.default().images)
    for image in images:
        # All are there before one is removed.
        store.resolve(image)
    for image in images:
        store.remove(image)
        say(f"{image} removed")

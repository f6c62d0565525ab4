"""`cnbkit images`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from cnbkit_engine.cli.say import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnbkit_engine.oci.store import ImageStore

__all__ = ["command"]


@click.command("images")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object an image.")
@click.option("--quiet", "-q", is_flag=True, help="Print names alone.")
def command(as_json: bool, quiet: bool) -> None:
    """List the images that `cnbkit build` has made here."""
    from cnbkit_engine.build.report import size_text
    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.state.home import Home

    found = list(_images(ImageStore(Home.default().images)))
    if as_json:
        for each in found:
            say(json.dumps(each))
        return
    width = max((len(each["name"]) for each in found), default=0)
    for each in found:
        size = size_text(each["size"]) if each["size"] is not None else "damaged"
        line = f"{each['name']:{width}}  {each['digest'][7:19]}  {size:>9}  {each['platform']}"
        say(each["name"] if quiet else line.rstrip())


def _images(store: ImageStore) -> Iterator[dict[str, Any]]:
    from cnbkit.errors import CnbkitError
    from cnbkit_engine.oci.image import Image

    for name in store.names():
        digest = store.resolve(name).digest
        try:
            image = Image.from_store(store, name)
        except CnbkitError:  # another platform's, or damaged: `cnbkit doctor` says which
            yield {"name": name, "digest": digest, "size": None, "platform": ""}
        else:
            yield {"name": name, "digest": digest, "size": image.size, "platform": image.platform}

"""`cnbkit sbom`."""

from __future__ import annotations

from pathlib import Path

import click

from cnbkit.log import Log
from cnbkit_engine.cli.say import say

__all__ = ["command"]


@click.command("sbom")
@click.argument("image")
@click.option(
    "--output-dir",
    "-o",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the documents there instead, as `pack sbom download` does.",
)
def command(image: str, output_dir: Path | None) -> None:
    """List the packages in IMAGE by its bills of materials.

    IMAGE is one that `cnbkit build` made, or oci:DIR[:NAME] for an OCI layout. What the base image
    holds is not part of them.
    """
    from cnbkit_engine.oci.open_image import open_image
    from cnbkit_engine.oci.sbom import components, documents
    from cnbkit_engine.state.home import Home

    store, found = open_image(Home.default(), image)
    bills = documents(store, found)
    if output_dir is not None:
        for name, data in sorted(bills.items()):
            path = output_dir / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            say(path)
        return
    rows = components(bills)
    wide = max((len(name) for name, *_ in rows), default=0)
    for name, version, licence, layer in rows:
        say(f"{name:{wide}}  {version:24}  {licence:40.40}  {layer}".rstrip())
    say(Log.counted(len(rows), "package"))

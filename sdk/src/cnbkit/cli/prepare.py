"""`cnbkit prepare`."""

from __future__ import annotations

from pathlib import Path

import click

from cnbkit.cli.target import architecture, platform_option

__all__ = ["command"]


@click.command("prepare")
@click.option(
    "--builder",
    "-B",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Another builder.toml than the reference one.",
)
@platform_option
def command(builder: Path | None, platform: str | None) -> None:
    """Make ready what all builds share: base images, lifecycle, buildpacks.

    `build` does so by itself when something is missing; this is for doing it beforehand, in a CI
    image for example.
    """
    from cnbkit.platform.base_gpu import gpu_run_image
    from cnbkit.platform.build import prepare
    from cnbkit.platform.home import Home
    from cnbkit.platform.shipped import shipped
    from cnbkit.platform.store import ImageStore

    home = Home.default()
    descriptor = builder or shipped("builder/builder.toml")
    store = ImageStore(home.images)
    kit = prepare(home, store, descriptor, click.echo, architecture(platform))
    gpu_run_image(store, kit.run_image)
    click.echo(f"Ready in {home.root}")

"""`cnbkit prune`."""

from __future__ import annotations

import click

from cnbkit_engine.cli.progress import Progress
from cnbkit_engine.cli.say import say

__all__ = ["command"]


@click.command("prune")
def command() -> None:
    """Give back disk space that no image and no recent build needs.

    Images with a name stay. Base images, buildpacks and caches of apps go a week after their last
    use, buildpacks that have been assembled anew since, a day after it.
    """
    from cnbkit_engine.build.prune import prune
    from cnbkit_engine.build.report import size_text
    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.state.home import Home

    home = Home.default()
    with Progress(step=f"looking for what is not used in {home.root}") as progress:
        freed = prune(
            home,
            ImageStore(home.images),
            waiting=lambda holder: progress.show(f"Waiting: {holder} prunes too ..."),
        )
    say(f"{size_text(freed)} freed in {home.root}")

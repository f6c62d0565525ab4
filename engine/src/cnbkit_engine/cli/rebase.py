"""`cnbkit rebase`."""

from __future__ import annotations

import click

from cnbkit_engine.cli.say import say

__all__ = ["command"]


@click.command("rebase")
@click.argument("image")
@click.option("--run-image", metavar="NAME", default="", help="Another run image than before.")
@click.option("--publish", is_flag=True, help="The image and its run image are in a registry.")
@click.option("--force", is_flag=True, help="Even where the run image does not seem to fit.")
@click.option(
    "--insecure-registry", "insecure", metavar="HOST", multiple=True, help="Speak plain HTTP to it."
)
def command(
    image: str, run_image: str, publish: bool, force: bool, insecure: tuple[str, ...]
) -> None:
    """Put IMAGE on a newer run image, without building it again.

    Only the layers of the operating system are replaced, by name: no layer of the app is read or
    sent. Without --run-image it is the newest image of the name it was built on.
    """
    from cnbkit_engine.build.rebase import Rebase
    from cnbkit_engine.state.home import Home

    digest = Rebase(image, run_image, publish, force, insecure, show=say).run(Home.default())
    say(f"{image}  {digest}")

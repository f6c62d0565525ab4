"""`cnbkit rebase`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from cnbkit.log import Log
from cnbkit_engine.cli.progress import Progress
from cnbkit_engine.cli.say import say

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["command"]


@click.command("rebase")
@click.argument("images", metavar="[IMAGE]...", nargs=-1)
@click.option(
    "--file",
    "-f",
    type=click.File(encoding="utf-8"),
    help="Also the images named there, a line each; - for standard input.",
)
@click.option("--run-image", metavar="NAME", default="", help="Another run image than before.")
@click.option("--publish", is_flag=True, help="The images and their run images are in a registry.")
@click.option("--force", is_flag=True, help="Even where the run image does not seem to fit.")
@click.option("--dry-run", is_flag=True, help="Change nothing; say which images would be.")
@click.option(
    "--insecure-registry", "insecure", metavar="HOST", multiple=True, help="Speak plain HTTP to it."
)
@click.pass_context
def command(
    ctx: click.Context,
    images: tuple[str, ...],
    file: TextIO | None,
    run_image: str,
    publish: bool,
    force: bool,
    dry_run: bool,
    insecure: tuple[str, ...],
) -> None:
    """Put each IMAGE on a newer run image, without building it again.

    Only the layers of the operating system are replaced, by name: no layer of the app is read or
    sent. Without --run-image it is the newest image of the name it was built on; an image that
    stands on that one stays as it is. One that fails does not keep the others from it.
    """
    from cnbkit_engine.build.rebases import Rebases, image_names, summary
    from cnbkit_engine.state.home import Home

    names = image_names(images, file.read() if file else "", file=file.name if file else "")
    step = f"rebasing {names[0] if len(names) == 1 else Log.counted(len(names), 'image')}"
    show = ctx.with_resource(Progress(step=step, aside=partial(say, err=True))).show
    rebases = Rebases(names, run_image, publish, force, insecure, dry_run, show=show)
    results = []
    for result in rebases.run(Home.default()):
        results.append(result)
        if len(names) == 1:
            if result.fault:
                raise result.fault
            show(f"{result.name}  {result.digest}" if result.digest else str(result))
            return
        show(str(result))
        if result.fault:
            say(str(result.fault), err=True)
    show(summary(results))
    ctx.exit(max((each.fault.exit_code for each in results if each.fault), default=0))

"""`cnbkit doctor`."""

from __future__ import annotations

import click

from cnbkit_engine.cli.progress import Progress
from cnbkit_engine.cli.say import say

__all__ = ["command"]


@click.command("doctor")
@click.option("--repair", is_flag=True, help="Put right what can be.")
def command(repair: bool) -> None:
    """Check everything cnbkit keeps: images, unpacked layers, base images, tools, buildpacks.

    Every blob is read and its digest compared. Without --repair nothing is changed. With it,
    damaged files are put aside and images that lack something are forgotten: the next build makes
    them again. Ends with 69 if something is wrong and has not been put right.
    """
    from cnbkit.errors import PlatformFault
    from cnbkit_engine.build.doctor import Doctor
    from cnbkit_engine.state.home import Home

    home = Home.default()
    with Progress(step=f"checking {home.root}") as progress:
        found = Doctor(home, repair=repair, show=progress.show).run()
    for finding in found:
        action = f" ({finding.done})" if repair and finding.done else ""
        say(f"{finding.where}: {finding.what}{action}")
    left = [finding for finding in found if not (repair and finding.done)]
    if left:
        repairable = any(finding.done for finding in left)
        raise PlatformFault(
            f"{len(left)} things are wrong" if len(left) > 1 else "one thing is wrong",
            where=str(home.root),
            remedy="run `cnbkit doctor --repair`" if repairable else "see above",
        )
    say(f"Put right: {len(found)}" if found else f"Nothing is wrong in {home.root}")

"""`cnbkit shell`."""

from __future__ import annotations

import sys
from typing import Any

import click

from cnbkit_engine.cli.run_options import given_options, run_options
from cnbkit_engine.cli.say import say

__all__ = ["command"]


@click.command("shell")
@click.argument("image")
@run_options
@click.argument("command_line", metavar="[COMMAND]...", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def command(
    ctx: click.Context, /, image: str, command_line: tuple[str, ...], **options: Any
) -> None:
    """Open a shell in IMAGE, or run COMMAND, with its processes' environment.

    It is the user, the files and the variables of the image's processes: `cnbkit shell app python`
    is the app's Python with its packages. Put -- before a command with options of its own.
    """
    from cnbkit_engine.run.run import LAUNCHER, run_image
    from cnbkit_engine.state.home import Home

    here = sys.stdin.isatty() and sys.stdout.isatty()
    code = run_image(
        Home.default(),
        image,
        args=command_line or ("bash",),
        options=given_options(**options, terminal=here),
        entrypoint=LAUNCHER,
        show=lambda text: say(text, err=True),
    )
    ctx.exit(code)

"""`cnbkit run`."""

from __future__ import annotations

from typing import Any

import click

from cnbkit_engine.cli.run_options import given_options, run_options
from cnbkit_engine.cli.say import say

__all__ = ["command"]


@click.command("run", context_settings={"ignore_unknown_options": False})
@click.argument("image")
@click.option("--process", "-p", metavar="TYPE", help="Process type to start.")
@click.option(
    "--entrypoint",
    metavar="PROGRAM",
    help="Start this in place of a process, without what the launcher adds to the environment;"
    " ARGS are its arguments.",
)
@click.option("--tty", "-t", is_flag=True, help="Give it a terminal of its own, joined to this.")
@run_options
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def command(
    ctx: click.Context,
    /,
    image: str,
    process: str | None,
    entrypoint: str | None,
    tty: bool,
    args: tuple[str, ...],
    **options: Any,
) -> None:
    """Start IMAGE without Docker; ARGS after -- replace the process's own.

    IMAGE is one that `cnbkit build` made, or oci:DIR[:NAME] for an OCI layout. As with `docker run`
    ARGS are arguments of the image's process, and not a command: `cnbkit shell` runs one. What the
    process writes is thrown away when it ends; it may write where the image's user may. Its ports
    are this machine's, unless --publish or --network says otherwise.
    """
    from cnbkit_engine.run.run import run_image
    from cnbkit_engine.state.home import Home

    if process and entrypoint is not None:
        raise click.UsageError("--process and --entrypoint both say what to start; use one")
    if entrypoint is not None and not entrypoint:
        raise click.BadParameter("it is empty", param_hint="--entrypoint")
    given = given_options(**options, terminal=tty)
    code = run_image(
        Home.default(),
        image,
        process,
        args,
        given,
        entrypoint=(entrypoint,) if entrypoint else (),
        show=lambda text: say(text, err=True),
    )
    ctx.exit(code)

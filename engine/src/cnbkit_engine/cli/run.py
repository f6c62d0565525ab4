"""`cnbkit run`."""

from __future__ import annotations

import click

from cnbkit_engine.cli.variables import given_variables
from cnbkit_engine.cli.volumes import given_volumes

__all__ = ["command"]


@click.command("run", context_settings={"ignore_unknown_options": False})
@click.argument("image")
@click.option("--process", "-p", metavar="TYPE", help="Process type to start.")
@click.option(
    "--env",
    "-e",
    "variables",
    metavar="K[=V]",
    multiple=True,
    help="Add a variable; without =V, this shell's value.",
)
@click.option(
    "--volume",
    "volumes",
    metavar="HOST:TARGET",
    multiple=True,
    help="Show a file or folder of this machine; writable with :rw behind it.",
)
@click.option(
    "--network",
    type=click.Choice(["host", "none", "private"]),
    default="host",
    show_default=True,
    help="This machine's; none; or one of its own, where its ports are not this machine's and this"
    " machine's loopback cannot be reached.",
)
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def command(
    ctx: click.Context,
    image: str,
    process: str | None,
    variables: tuple[str, ...],
    volumes: tuple[str, ...],
    network: str,
    args: tuple[str, ...],
) -> None:
    """Start IMAGE without Docker; ARGS after -- replace the process's own.

    IMAGE is one that `cnbkit build` made, or oci:DIR[:NAME] for an OCI layout. What the process
    writes is thrown away when it ends; its ports are this machine's, unless --network says
    otherwise.
    """
    from cnbkit_engine.run.run import run_image
    from cnbkit_engine.state.home import Home

    env, binds = given_variables(variables), given_volumes(volumes)
    ctx.exit(run_image(Home.default(), image, process, args, env, binds=binds, network=network))

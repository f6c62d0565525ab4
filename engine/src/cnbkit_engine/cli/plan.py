"""`cnbkit plan`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from cnbkit_engine.cli.base import base_option
from cnbkit_engine.cli.image_name import name_of
from cnbkit_engine.cli.network import embedded_network
from cnbkit_engine.cli.progress import Progress
from cnbkit_engine.cli.say import say
from cnbkit_engine.cli.target import architecture, platform_option
from cnbkit_engine.cli.variables import build_variables
from cnbkit_engine.cli.volumes import given_volumes

__all__ = ["command"]


@click.command("plan")
@click.argument("path", type=click.Path(path_type=Path), default=".")
@click.option(
    "--tag",
    "-t",
    metavar="NAME",
    help="Name of the image, as for `cnbkit build`.",
)
@click.option(
    "--env", "-e", "variables", metavar="K[=V]", multiple=True, help="Build-time variable."
)
@click.option(
    "--volume",
    "volumes",
    metavar="HOST:TARGET",
    multiple=True,
    help="Show a file or folder of this machine to the buildpacks, as for `cnbkit build`.",
)
@click.option(
    "--exec-env",
    metavar="NAME",
    default="",
    help="What the image is for: production (if not given), test or development.",
)
@platform_option
@base_option
@click.option(
    "--network",
    metavar="NAME",
    default="",
    help="Of the buildpacks: host, none or private, as for `cnbkit build`.",
)
@click.option(
    "--builder",
    "-B",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Another builder.toml than the reference one.",
)
@click.option(
    "--no-resolve",
    is_flag=True,
    help="Ask no index: packages are named only if a lock has all of them.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--verbose", "-v", is_flag=True, help="Also buildpacks that do not take part.")
def command(
    path: Path,
    tag: str | None,
    variables: tuple[str, ...],
    volumes: tuple[str, ...],
    exec_env: str,
    platform: str | None,
    base: str | None,
    network: str,
    builder: Path | None,
    no_resolve: bool,
    as_json: bool,
    verbose: bool,
) -> None:
    """Say what a build of the app in PATH would do, and why, without building it.

    The real detector asks which buildpacks take part, and these decide as in a build: packages,
    layers, processes, labels. Nothing is installed.
    """
    from cnbkit_engine.build.git import git_env
    from cnbkit_engine.build.plan import Planning
    from cnbkit_engine.builder.reference import reference_builder
    from cnbkit_engine.cli.plan_text import told
    from cnbkit_engine.state.home import Home

    env = build_variables(variables)
    if "BP_OCI_REVISION" not in env:
        env = {**git_env(path), **env}
    with Progress(partial(say, err=True)) as progress:
        plan = Planning(
            app=path.resolve(),
            name=tag or name_of(path),
            builder=builder or reference_builder(),
            env=env,
            volumes=given_volumes(volumes, closed=("/cnb", "/layers", "/cache")),
            exec_env=exec_env,
            arch=architecture(platform),
            base=base or "",
            network=embedded_network(network),
            resolve=not no_resolve,
            verbose=verbose and not as_json,
            show=progress.show,
        ).run(Home.default())
    if as_json:
        import json
        from dataclasses import asdict

        say(json.dumps(asdict(plan), indent=2, ensure_ascii=False))
        return
    for line in told(plan, verbose=verbose):
        say(line)

"""`cnbkit plan`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnbkit_engine.cli.base import base_option
from cnbkit_engine.cli.network import embedded_network
from cnbkit_engine.cli.progress import Progress
from cnbkit_engine.cli.say import say
from cnbkit_engine.cli.target import architecture, platform_option
from cnbkit_engine.cli.variables import build_variables
from cnbkit_engine.cli.volumes import given_volumes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnbkit_engine.build.plan import Plan

__all__ = ["command"]


@click.command("plan")
@click.argument("path", type=click.Path(path_type=Path, file_okay=False), default=".")
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
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--verbose", "-v", is_flag=True, help="Also buildpacks that do not take part.")
def command(
    path: Path,
    variables: tuple[str, ...],
    volumes: tuple[str, ...],
    exec_env: str,
    platform: str | None,
    base: str | None,
    network: str,
    builder: Path | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Say which buildpacks would build the app in PATH, and why, without building it.

    The real detector asks them. What they would install is not asked: that takes a build.
    """
    from cnbkit_engine.build.git import git_env
    from cnbkit_engine.build.plan import Planning
    from cnbkit_engine.builder.reference import reference_builder
    from cnbkit_engine.state.home import Home

    env = build_variables(variables)
    if "BP_OCI_REVISION" not in env:
        env = {**git_env(path), **env}
    with Progress(partial(say, err=True)) as progress:
        plan = Planning(
            app=path.resolve(),
            builder=builder or reference_builder(),
            env=env,
            volumes=given_volumes(volumes, closed=("/cnb", "/layers", "/cache")),
            exec_env=exec_env,
            arch=architecture(platform),
            base=base or "",
            network=embedded_network(network),
            verbose=verbose and not as_json,
            show=progress.show,
        ).run(Home.default())
    if as_json:
        import json
        from dataclasses import asdict

        say(json.dumps(asdict(plan), indent=2, ensure_ascii=False))
        return
    for line in _told(plan, verbose=verbose):
        say(line)


def _told(plan: Plan, *, verbose: bool) -> Iterator[str]:
    yield from plan.notes
    shown = [*plan.group, *plan.left_out]
    width = max((len(each.id) for each in shown), default=0)
    yield "Buildpacks that take part:"
    for each in plan.group:
        yield f"  {each.id:<{width}}  {each.version}  {each.reason}".rstrip()
        yield from (f"    {line}" for line in each.says)
    if verbose and plan.left_out:
        yield "Others of their group:"
        for each in plan.left_out:
            yield f"  {each.id:<{width}}  {each.version}  {each.reason}".rstrip()
    if plan.entries:
        yield "What they require of each other:"
    for entry in plan.entries:
        count = len(entry.requires)
        times = "" if count == 1 else f", {count} times"
        yield f"  {entry.name} of {' or '.join(entry.providers)}{times}"

"""`cnbkit ci`."""

from __future__ import annotations

from pathlib import Path

import click

from cnbkit.errors import UserFault
from cnbkit_engine.ci.files import PLATFORMS, rendered
from cnbkit_engine.cli.base import BASES
from cnbkit_engine.cli.say import say
from cnbkit_engine.cli.written import write_files

__all__ = ["command"]


@click.command("ci")
@click.argument("kind", type=click.Choice(PLATFORMS), metavar="PLATFORM")
@click.option(
    "--registry",
    metavar="REF",
    required=True,
    help="Where images are pushed: host and path, such as registry.example.com/ml.",
)
@click.option(
    "--builder", "-B", metavar="REF", help="The builder image; REGISTRY/builder:1 if not given."
)
@click.option(
    "--app", metavar="NAME", default="my-app", show_default=True, help="The image's name."
)
@click.option(
    "--git",
    metavar="URL",
    help="The app's repository, for platforms that fetch it: kpack and tekton.",
)
@click.option(
    "--base",
    type=click.Choice(BASES),
    help="The base images that kpack's files name, and the Python in the examples of settings.",
)
@click.option(
    "--output",
    "-o",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=".",
    show_default=True,
    metavar="DIR",
    help="Where to write the files.",
)
def command(
    kind: str,
    registry: str,
    builder: str | None,
    app: str,
    git: str | None,
    base: str | None,
    folder: Path,
) -> None:
    """Write the files with which PLATFORM builds images.

    PLATFORM is kpack, tekton, gitlab, jenkins, circleci or github. Nothing is overwritten.
    """
    files = rendered(kind, registry=registry, builder=builder, app=app, git=git, base=base or "")
    if there := [name for name in files if (folder / name).exists()]:
        raise UserFault(
            f"these files are there already, and nothing is overwritten: {', '.join(there)}",
            where=str(folder),
            remedy="choose another place with --output, or move them away",
        )
    write_files(folder, files, option="--output")
    for name in files:
        say(f"Written {folder / name}")

"""`cnbkit builder`."""

from __future__ import annotations

from pathlib import Path

import click

from cnbkit_engine.cli.base import base_option
from cnbkit_engine.cli.progress import Progress

__all__ = ["command"]


@click.command("builder")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--output",
    "-o",
    metavar="KIND:PATH",
    help="Write the image to PATH; KIND is oci (a folder) or oci-archive (a file).",
)
@click.option("--publish", metavar="REF", help="Push to a registry.")
@click.option(
    "--build-image", metavar="REF", default="", help="Build image, instead of the one in FILE."
)
@base_option
@click.option("--run-image", metavar="REF", default="", help="Run image, instead of those in FILE.")
@click.option(
    "--target",
    "-t",
    "targets",
    metavar="OS/ARCH",
    multiple=True,
    help="linux/amd64 or linux/arm64; several make one image for all. If not given: "
    "what FILE names in [[targets]], or else this machine's.",
)
@click.option(
    "--insecure-registry", "insecure", metavar="HOST", multiple=True, help="Speak plain HTTP to it."
)
def command(
    file: Path,
    output: str | None,
    publish: str | None,
    build_image: str,
    base: str | None,
    run_image: str,
    targets: tuple[str, ...],
    insecure: tuple[str, ...],
) -> None:
    """Make a builder image of FILE, a builder.toml, without Docker.

    Where FILE names no build image and no lifecycle, they are cnbkit's own.
    """
    if base and build_image:
        raise click.UsageError("--base and --build-image exclude each other")
    if bool(output) == bool(publish):
        raise click.UsageError("give either --output or --publish")
    if publish:
        from cnbkit_engine.oci.reference import Reference

        Reference.parse(publish, setting="--publish").to_make("--publish")
    kind, _, path = (output or "").partition(":")
    if output and (kind not in ("oci", "oci-archive") or not path):
        raise click.BadParameter("expected oci:DIR or oci-archive:FILE", param_hint="--output")

    from cnbkit_engine.builder.image import BuilderImage
    from cnbkit_engine.buildpack.architectures import parse_target
    from cnbkit_engine.state.home import Home

    home = Home.default()
    show = click.get_current_context().with_resource(Progress(step=f"reading {file}")).show
    image = BuilderImage(
        path=file.resolve(),
        build_image=build_image,
        run_image=run_image,
        base=base or "",
        targets=[parse_target(target) for target in targets],
        insecure=insecure,
        show=show,
    )
    if publish:
        show(f"Published {image.publish(home, publish)}")
    else:
        image.save(home, kind, Path(path))
        show(f"Written to {path}")

"""`cnbkit prepare`."""

from __future__ import annotations

from pathlib import Path

import click

from cnbkit_engine.cli.base import base_option
from cnbkit_engine.cli.progress import Progress
from cnbkit_engine.cli.target import architecture, platform_option

__all__ = ["command"]


@click.command("prepare")
@click.option(
    "--builder",
    "-B",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Another builder.toml than the reference one.",
)
@platform_option
@base_option
@click.option(
    "--build-image",
    is_flag=True,
    help="Also put the build image into the store, to be copied to a registry from there.",
)
@click.option(
    "--fetch-build",
    metavar="REF",
    default="",
    help="Fetch the build image from there in place of making it; NAME@sha256:….",
)
@click.option(
    "--fetch-run", metavar="REF", default="", help="Fetch the run image that belongs to it."
)
@click.option(
    "--publish-build", metavar="REF", default="", help="Push the build image there, for builders."
)
@click.option(
    "--publish-run",
    metavar="REF",
    default="",
    help="Push the run image there, and the one for NVIDIA's GPUs beside it (its tag ends in "
    "-cuda): images that were built on REF can then be rebased.",
)
@click.option(
    "--insecure-registry", "insecure", metavar="HOST", multiple=True, help="Speak plain HTTP to it."
)
def command(
    builder: Path | None,
    platform: str | None,
    base: str | None,
    build_image: bool,
    fetch_build: str,
    fetch_run: str,
    publish_build: str,
    publish_run: str,
    insecure: tuple[str, ...],
) -> None:
    """Make ready what all builds share: base images, lifecycle, buildpacks.

    `build` does so by itself when something is missing; this is for doing it beforehand, in a CI
    image for example. Base images that a release or `--publish-build` and `--publish-run` pushed
    can be fetched, which is faster than making them.
    """
    if bool(fetch_build) != bool(fetch_run):
        raise click.UsageError("--fetch-build and --fetch-run need each other")
    from cnbkit_engine.base.gpu import gpu_name, gpu_run_image
    from cnbkit_engine.base.images import BaseImages
    from cnbkit_engine.base.suites import suite_named
    from cnbkit_engine.build.build import prepare
    from cnbkit_engine.builder.distros import builder_suites
    from cnbkit_engine.builder.reference import reference_builder
    from cnbkit_engine.oci.reference import Reference
    from cnbkit_engine.oci.remote import Remote
    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.state.home import Home

    for name, option in ((publish_build, "--publish-build"), (publish_run, "--publish-run")):
        if name:
            Reference.parse(name, setting=option).to_make(option)
    show = click.get_current_context().with_resource(Progress()).show
    home = Home.default()
    descriptor = builder or reference_builder()
    store, arch = ImageStore(home.images), architecture(platform)
    suite = suite_named(base) if base else builder_suites(descriptor)[0]
    if fetch_build:
        from cnbkit_engine.base.fetched import fetch_bases

        bases = BaseImages(home, store, arch=arch or None, suite=suite)
        fetch_bases(bases, fetch_build, fetch_run, insecure=insecure, show=show)
    kit = prepare(home, store, descriptor, show, arch, suite)
    gpus = gpu_run_image(store, kit.run_image)
    pushed = []
    if build_image or publish_build:
        bases = BaseImages(home, store, arch=arch, suite=suite, progress=show)
        name = bases.ensure_build_image()
        show(f"The build image is {name} in oci:{home.images}")
        pushed = [(name, publish_build)] if publish_build else []
    if publish_run:
        pushed += [(kit.run_image, publish_run), (gpus, gpu_name(publish_run))]
    for stored, reference in pushed:
        remote = Remote(reference, insecure=insecure)
        show(f"{reference}  {remote.push(store.path, store.resolve(stored))}")
    show(f"Ready in {home.root}")

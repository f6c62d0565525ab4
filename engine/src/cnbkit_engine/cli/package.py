"""`cnbkit package`."""

from __future__ import annotations

from pathlib import Path

import click

from cnbkit_engine.cli.base import BASES
from cnbkit_engine.cli.progress import Progress

__all__ = ["command"]


@click.command("package")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write a .cnb file."
)
@click.option(
    "--together",
    is_flag=True,
    help="Write one file for all targets; cnbkit's builders read it, pack does not yet.",
)
@click.option("--publish", metavar="REF", help="Push to a registry.")
@click.option(
    "--target",
    "-t",
    "targets",
    metavar="OS/ARCH",
    multiple=True,
    help="linux/amd64 or linux/arm64; those of the descriptor if not given.",
)
@click.option("--flatten", is_flag=True, help="Put a composite's buildpacks into one layer.")
@click.option("--offline", is_flag=True, help="Put in what the descriptors list as dependencies.")
@click.option(
    "--python",
    "python",
    type=click.Choice(["system", "any", "bundled"]),
    default="system",
    show_default=True,
    help="Whose Python runs it: the build image's, as of --base; the build image's, of any version "
    "from 3.11 to 3.14; or one inside.",
)
@click.option(
    "--base",
    "bases",
    type=click.Choice(BASES),
    multiple=True,
    help="Whose build image's Python runs it: trixie's 3.13 if not given, bookworm's 3.11, or, "
    "with both, either.",
)
@click.option(
    "--runtime",
    "runtimes",
    metavar="ADDRESS#sha256=HEX",
    multiple=True,
    help="Relocatable Python to bundle, URL or path; one for each target.",
)
@click.option(
    "--insecure-registry", "insecure", metavar="HOST", multiple=True, help="Speak plain HTTP to it."
)
def command(
    directory: Path,
    output: Path | None,
    together: bool,
    publish: str | None,
    targets: tuple[str, ...],
    flatten: bool,
    offline: bool,
    python: str,
    bases: tuple[str, ...],
    runtimes: tuple[str, ...],
    insecure: tuple[str, ...],
) -> None:
    """Package the buildpack, extension or composite in DIRECTORY for other platforms.

    The same sources give the same bytes. With several targets, --output writes a file for each,
    named after it, and --publish pushes one image for all.
    """
    if bool(output) == bool(publish):
        raise click.UsageError("give either --output or --publish")
    if together and not output:
        raise click.UsageError("--together is for --output; --publish pushes one image for all")
    if publish:
        from cnbkit_engine.oci.reference import Reference

        Reference.parse(publish, setting="--publish").to_make("--publish")
    if (python == "bundled") != bool(runtimes):
        raise click.UsageError("--python bundled and --runtime need each other")
    if bases and runtimes:
        raise click.UsageError("--base and --python bundled exclude each other")

    from cnbkit_engine.base.images import BaseImages
    from cnbkit_engine.base.suites import suite_named
    from cnbkit_engine.buildpack.architectures import parse_target
    from cnbkit_engine.buildpack.package import Package
    from cnbkit_engine.buildpack.python_runtime import ANY_PYTHON
    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.state.home import Home

    home = Home.default()
    show = click.get_current_context().with_resource(Progress(step=f"reading {directory}")).show
    store = ImageStore(home.images)
    suites = [suite_named(name) for name in dict.fromkeys(bases)] or [suite_named("")]
    first, *others = (BaseImages(home, store, suite=each, progress=show) for each in suites)
    package = Package(
        directory=directory.resolve(),
        root=first.ensure_build_root,
        version=first.suite.python,
        also={each.suite.python: each.ensure_build_root for each in others},
        further=ANY_PYTHON if python == "any" else (),
        targets=[parse_target(target) for target in targets],
        flatten=flatten,
        offline=offline,
        runtimes=runtimes,
        insecure=insecure,
        show=show,
    )
    if output:
        for file in package.save(home, output, together=together):
            show(f"Written to {file}")
    elif publish:
        show(f"Published {package.publish(home, publish)}")

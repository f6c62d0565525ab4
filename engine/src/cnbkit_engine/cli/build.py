"""`cnbkit build`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnbkit_engine.cli.build_options import build_options
from cnbkit_engine.cli.export import Export
from cnbkit_engine.cli.image_name import name_of
from cnbkit_engine.cli.network import embedded_network
from cnbkit_engine.cli.progress import Progress
from cnbkit_engine.cli.say import say
from cnbkit_engine.cli.target import architecture
from cnbkit_engine.cli.variables import build_variables
from cnbkit_engine.cli.volumes import given_volumes
from cnbkit_engine.cli.written import write_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cnbkit_engine.build.build import Outcome
    from cnbkit_engine.cli.attestation import Attestation
    from cnbkit_engine.oci.image import Layer
    from cnbkit_engine.oci.types import Descriptor
    from cnbkit_engine.state.home import Home

__all__ = ["command"]


@click.command("build")
@click.argument("path", type=click.Path(path_type=Path), default=".")
@build_options
def command(
    path: Path,
    tag: str | None,
    published: tuple[str, ...],
    compression: str,
    previous_image: str,
    cache_image: str,
    run_image: str,
    output: str | None,
    load: bool,
    variables: tuple[str, ...],
    volumes: tuple[str, ...],
    default_process: str,
    exec_env: str,
    creation_time: str,
    hardware: str,
    platform: str | None,
    base: str | None,
    clear_cache: bool,
    force: bool,
    engine: str,
    network: str,
    insecure: tuple[str, ...],
    builder: Path | None,
    page: Path | None,
    attest: bool,
    attest_key: Path | None,
    verbose: bool,
) -> None:
    """Build the app in PATH into an image, without Docker and without a Dockerfile."""
    from cnbkit_engine.build.build import Build, table
    from cnbkit_engine.build.creation_time import creation_time as image_time
    from cnbkit_engine.build.git import git_env
    from cnbkit_engine.build.report import size_text
    from cnbkit_engine.build.variants import shares
    from cnbkit_engine.builder.reference import reference_builder
    from cnbkit_engine.cli.build_names import BuildNames, check_references
    from cnbkit_engine.state.home import Home

    publish, *more = published or ("",)
    export = Export.of(output)
    if export and publish:
        raise click.UsageError("--output and --publish exclude each other")
    if cache_image and not publish:
        raise click.UsageError("--cache-image goes with --publish")
    if compression != "gzip" and not publish:
        raise click.UsageError("--compression goes with --publish")
    attestation: Attestation | None = None
    if attest or attest_key:
        from cnbkit_engine.cli.attestation import attestation_of

        attestation = attestation_of(attest, attest_key, publish)
    home = Home.default()
    echo: Callable[[str], None] = say
    if export:
        if export.to_stdout:
            echo = partial(say, err=True)  # the archive alone is printed
        export.check(home)
    echo = click.get_current_context().with_resource(Progress(echo)).show
    if page is not None and (publish or engine == "pack"):
        raise click.UsageError("--report is for images in the local store")
    if load and (publish or engine == "pack"):
        raise click.UsageError("--load takes images of the local store")
    if load:
        from cnbkit_engine.oci.load import ContainerEngine

        container_engine = ContainerEngine.running()  # before anything is built
    if engine == "pack" and export:
        raise click.UsageError("--output takes images of the embedded engine")
    if engine != "pack":
        network = embedded_network(network)
    arch = architecture(platform)
    if engine == "pack" and compression != "gzip":
        raise click.UsageError("--compression is for the embedded engine")
    if engine == "pack" and arch:
        raise click.UsageError("--platform is for the embedded engine")
    layers: dict[str, Sequence[Layer | Descriptor]] = {}
    outcomes: list[Outcome] = []
    check_references(
        {
            "--run-image": run_image,
            "--previous-image": previous_image,
            "--cache-image": cache_image,
        }
    )
    names = BuildNames(
        publish or tag or name_of(path),
        more,
        hardware,
        publish=bool(publish),
        docker=engine == "pack",
    )
    wanted = names.images
    if export and len(wanted) > 1:
        raise click.UsageError("--output takes one image, and --hardware names several")
    env = build_variables(variables)
    if "BP_OCI_REVISION" not in env:
        env = {**git_env(path), **env}
    if hardware and "BP_HARDWARE" in env:
        raise click.UsageError("--hardware and --env BP_HARDWARE exclude each other")
    created = image_time(creation_time)
    for number, variant in enumerate(wanted):
        chosen = {"BP_HARDWARE": variant.hardware} if variant.hardware else {}
        if len(wanted) > 1:
            echo(f"{variant.hardware} → {variant.name}")
        build = Build(
            app=path.resolve(),
            name=variant.name,
            builder=builder or reference_builder(),
            env={**env, **chosen},
            volumes=given_volumes(volumes, closed=("/cnb", "/layers", "/cache")),
            publish=bool(publish),
            tags=names.tags(number),
            compression=compression,
            run_image=run_image,
            previous_image=previous_image,
            cache_image=cache_image,
            clear_cache=clear_cache,
            force=force,
            default_process=default_process,
            exec_env=exec_env,
            created=created,
            arch=arch,
            base=base or "",
            insecure_registries=insecure,
            network=network,
            verbose=verbose,
            show=echo,
        )
        if engine == "pack":
            from cnbkit_engine.build.pack_engine import build_with_pack

            outcome = build_with_pack(build, home, network=network)
        else:
            outcome = build.run(home)
        outcomes.append(outcome)
        for line in attestation.attached(build, outcome, arch) if attestation else ():
            echo(line)
        for line in table(outcome):
            echo(line)
        size = f", {size_text(outcome.image.size)}" if outcome.image else ""
        echo(f"{outcome.name}  {outcome.digest}{size}")
        echo(f"Done in {outcome.seconds:.2f} s")
        if load:
            from cnbkit_engine.oci.store import ImageStore

            container_engine.load(ImageStore(home.images), variant.name)
            echo(f"Loaded into {container_engine.name}")
        if outcome.image:
            layers[variant.name] = outcome.image.layers
        elif publish and len(wanted) > 1:
            layers[variant.name] = _published(variant.name, arch, insecure)
    if len(layers) > 1:
        for line in shares(layers):
            echo(line)
    if page is not None:
        _report(home, page, outcomes)
        echo(f"Written {page}")
    if export:
        export.write(home, wanted[0].name)
        echo(f"Written to {export.path}")


def _report(home: Home, page: Path, outcomes: Sequence[Outcome]) -> None:
    """The first image as a page, with what all of them share."""
    from cnbkit_engine.build.image_page import image_page
    from cnbkit_engine.build.variants import share_rows
    from cnbkit_engine.oci.store import ImageStore

    images = [outcome.image for outcome in outcomes if outcome.image]
    first = outcomes[0]
    made = image_page(
        ImageStore(home.images),
        images[0],
        states=first.layers,
        why=first.why,
        marks=first.marks,
        seconds=first.seconds,
        variants=share_rows({each.name: each.layers for each in images}) if images[1:] else (),
    )
    write_files(page.parent, {page.name: made}, option="--report")


def _published(name: str, arch: str, insecure: Sequence[str]) -> Sequence[Descriptor]:
    """The layers of an image in a registry; none if it does not say, which undoes no build."""
    from cnbkit.errors import CnbkitError
    from cnbkit_engine.base.images import machine_architecture
    from cnbkit_engine.oci.remote import Remote

    try:
        return Remote(name, insecure=insecure).layers(arch or machine_architecture())
    except CnbkitError as error:
        say(f"Its size is not known: {error}", err=True)
        return ()

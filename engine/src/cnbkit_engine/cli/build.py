"""`cnbkit build`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnbkit_engine.cli.base import base_option
from cnbkit_engine.cli.image_name import name_of
from cnbkit_engine.cli.network import embedded_network
from cnbkit_engine.cli.progress import Progress
from cnbkit_engine.cli.say import say
from cnbkit_engine.cli.target import architecture, platform_option
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
@click.argument("path", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option("--tag", "-t", metavar="NAME", help="Name of the image; the folder's if not given.")
@click.option(
    "--publish",
    "published",
    metavar="REF",
    multiple=True,
    help="Export to a registry instead of the local store; given again, under that name too.",
)
@click.option(
    "--previous-image",
    metavar="REF",
    default="",
    help="Use its layers again. If not given: the image that has the name, else the last one built "
    "here, else one of the repository with the branch's tag, main, master or latest.",
)
@click.option(
    "--cache-image",
    metavar="REF",
    default="",
    help="Keep the cache there, for builds on other machines; goes with --publish.",
)
@click.option(
    "--run-image",
    metavar="REF",
    default="",
    help="What the app is put on; the builder's or cnbkit's own if not given. With --publish "
    "cnbkit's own is pushed to REF if nothing is there, and the image can be rebased.",
)
@click.option(
    "--output",
    "-o",
    metavar="KIND:PATH",
    help="Also write the image to PATH; KIND is oci, oci-archive or docker-archive.",
)
@click.option(
    "--load", is_flag=True, help="Also give the image to Docker or Podman, whichever is running."
)
@click.option(
    "--env", "-e", "variables", metavar="K[=V]", multiple=True, help="Build-time variable."
)
@click.option(
    "--volume",
    "volumes",
    metavar="HOST:TARGET",
    multiple=True,
    help="Show a file or folder of this machine to the buildpacks, as a service binding: "
    "DIR:/platform/bindings/NAME. Read-only; writable with :rw behind it.",
)
@click.option("--default-process", "-D", metavar="TYPE", default="", help="Process to start.")
@click.option(
    "--exec-env",
    metavar="NAME",
    default="",
    help="What the image is for: production (if not given), test or development.",
)
@click.option(
    "--creation-time",
    metavar="TIME",
    default="",
    help="When the image says it was made: now, or seconds since 1970. Without it "
    "SOURCE_DATE_EPOCH counts, else it is 1980, the same for the same app.",
)
@click.option(
    "--hardware",
    metavar="WORDS",
    default="",
    help="What the image is for, like cuda:12.8; several with commas make an image each, with "
    "the word in its tag, and a table of what they share.",
)
@platform_option
@base_option
@click.option("--clear-cache", is_flag=True, help="Re-use nothing of earlier builds.")
@click.option(
    "--force",
    is_flag=True,
    help="Build also if nothing has changed since the image was built; else it is left as it is.",
)
@click.option(
    "--engine",
    type=click.Choice(["embedded", "pack"]),
    default="embedded",
    show_default=True,
    help="The lifecycle in a sandbox; or pack with Docker, which then has the image.",
)
@click.option(
    "--network",
    metavar="NAME",
    default="",
    help="Of the code that builds: host, none or private (its own, without this machine's loopback;"
    " the default where it can be had, or as CNBKIT_NETWORK says). With --engine pack: the network"
    " of its containers.",
)
@click.option(
    "--insecure-registry", "insecure", metavar="HOST", multiple=True, help="Speak plain HTTP to it."
)
@click.option(
    "--builder",
    "-B",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Another builder.toml than the reference one.",
)
@click.option(
    "--report",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.html",
    help="Write a page about the image and its build: what costs what, what took how long.",
)
@click.option(
    "--attest",
    is_flag=True,
    help="Attach bills of materials and the provenance to the published image (OCI referrers).",
)
@click.option(
    "--attest-key",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE.pem",
    help="Sign the provenance with this private key; its password is CNBKIT_ATTEST_PASSWORD.",
)
@click.option("--verbose", "-v", is_flag=True, help="Show all of the lifecycle's output.")
def command(
    path: Path,
    tag: str | None,
    published: tuple[str, ...],
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
    from cnbkit_engine.build.variants import shares, variants
    from cnbkit_engine.builder.reference import reference_builder
    from cnbkit_engine.oci.export_place import writes_to_stdout
    from cnbkit_engine.oci.reference import Reference
    from cnbkit_engine.state.home import Home

    publish, *more = published or ("",)
    export = _output(output, publish)
    if cache_image and not publish:
        raise click.UsageError("--cache-image goes with --publish")
    attestation: Attestation | None = None
    if attest or attest_key:
        from cnbkit_engine.cli.attestation import attestation_of

        attestation = attestation_of(attest, attest_key, publish)
    home = Home.default()
    echo: Callable[[str], None] = say
    if export:
        if writes_to_stdout(export[1]):
            echo = partial(say, err=True)  # the archive alone is printed
        _check_place(home, *export)
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
    if engine == "pack" and arch:
        raise click.UsageError("--platform is for the embedded engine")
    layers: dict[str, Sequence[Layer | Descriptor]] = {}
    outcomes: list[Outcome] = []
    setting = "--publish" if publish else "--tag"
    name = publish or tag or name_of(path)
    domain = Reference.parse(name, setting=setting).domain  # before anything is made of it
    for value, option in (
        (run_image, "--run-image"),
        (previous_image, "--previous-image"),
        (cache_image, "--cache-image"),
    ):
        if value:
            Reference.parse(value, setting=option)
    others = [variants(each, hardware) for each in more]
    for each in (variant.name for found in others for variant in found):
        if Reference.parse(each, setting=setting).to_make(setting).domain != domain:
            raise click.UsageError("all names of --publish are in one registry")
    wanted = variants(name, hardware)
    for variant in wanted:
        reference = Reference.parse(variant.name, setting=setting)
        if publish or engine == "pack":
            reference.to_make(setting)
        else:
            reference.to_store(setting)
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
            tags=tuple(each[number].name for each in others),
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
        _export(home, wanted[0].name, *export)
        echo(f"Written to {export[1]}")


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


def _output(output: str | None, publish: str) -> tuple[str, Path] | None:
    if output is None:
        return None
    kind, colon, path = output.partition(":")
    if not colon or not path or kind not in ("oci", "oci-archive", "docker-archive"):
        raise click.BadParameter(
            "expected oci:DIR, oci-archive:FILE or docker-archive:FILE", param_hint="--output"
        )
    if publish:
        raise click.UsageError("--output and --publish exclude each other")
    return kind, Path(path)


def _check_place(home: Home, kind: str, path: Path) -> None:
    """Refuse a place that cannot be exported to, before anything is built.

    Raises:
        UserFault: something else is there.
    """
    from cnbkit_engine.oci.export_place import (
        check_archive_place,
        check_layout_place,
        is_stream,
    )

    if kind == "oci":
        check_layout_place(path, home.root)
    elif not is_stream(path):
        check_archive_place(path, home.root)


def _export(home: Home, name: str, kind: str, path: Path) -> None:
    from cnbkit_engine.oci.export import export_docker_archive, export_layout, export_oci_archive
    from cnbkit_engine.oci.store import ImageStore

    exports = {
        "oci": export_layout,
        "oci-archive": export_oci_archive,
        "docker-archive": export_docker_archive,
    }
    exports[kind](ImageStore(home.images), name, path)

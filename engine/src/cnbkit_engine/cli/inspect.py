"""`cnbkit inspect`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnbkit_engine.cli.progress import at_work
from cnbkit_engine.cli.say import say
from cnbkit_engine.cli.target import architecture, platform_option
from cnbkit_engine.cli.written import write_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnbkit_engine.oci.image import Image

__all__ = ["command"]

# Labels that are documents of their own; their content is what the rest of the output shows.
_DOCUMENTS = ("io.buildpacks.build.metadata", "io.buildpacks.lifecycle.metadata")


@click.command("inspect")
@click.argument("image")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--html",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write it as a page: what costs what, packages with licences, processes, labels.",
)
@click.option(
    "--attestations",
    is_flag=True,
    help="Show what is attached to IMAGE in a registry: bills of materials, provenance.",
)
@click.option(
    "--insecure-registry", "insecure", metavar="HOST", multiple=True, help="Speak plain HTTP to it."
)
@platform_option
def command(
    image: str,
    as_json: bool,
    page: Path | None,
    attestations: bool,
    insecure: tuple[str, ...],
    platform: str | None,
) -> None:
    """Show what IMAGE is made of: layers, processes, labels.

    IMAGE is one that `cnbkit build` made, or oci:DIR[:NAME] for an OCI layout; with --attestations
    one in a registry. Signatures are shown, and not verified.
    """
    if attestations:
        if page is not None:
            raise click.UsageError("--html and --attestations exclude each other")
        _attached(image, as_json, architecture(platform), insecure)
        return
    from cnbkit_engine.oci.open_image import open_image
    from cnbkit_engine.state.home import Home

    store, found = open_image(Home.default(), image)
    if page is not None:
        from cnbkit_engine.build.image_page import image_page

        with at_work(f"reading {image}"):
            text = image_page(store, found)
        write_files(page.parent, {page.name: text}, option="--html")
        say(f"Written {page}", err=True)
        if not as_json:
            return
    if as_json:
        say(json.dumps(_document(found), indent=2))
    else:
        say("\n".join(_text(found)))


def _attached(image: str, as_json: bool, arch: str, insecure: tuple[str, ...]) -> None:
    from cnbkit_engine.base.images import machine_architecture
    from cnbkit_engine.cli.attestation import attestations, lines

    with at_work(f"asking for what is attached to {image}"):
        found = attestations(image, arch or machine_architecture(), insecure)
    if as_json:
        say(json.dumps(found, indent=2))
    else:
        say("\n".join(lines(found)) or "Nothing is attached")


def _document(image: Image) -> dict[str, Any]:
    return {
        "name": image.name,
        "digest": image.digest,
        "id": image.config_digest,
        "platform": image.platform,
        "base": image.base,
        "size": image.size,
        "user": image.user,
        "entrypoint": image.entrypoint,
        "cmd": image.cmd,
        "working_dir": image.working_dir,
        "env": image.env,
        "labels": image.labels,
        "buildpacks": [{"id": used.id, "version": used.version} for used in image.buildpacks],
        "processes": [
            {
                "type": process.type,
                "command": process.command,
                "args": process.args,
                "default": process.default,
                "working_dir": process.working_dir,
                "buildpack": process.buildpack,
            }
            for process in image.processes
        ],
        "layers": [
            {
                "what": layer.what,
                "kind": layer.kind,
                "size": layer.size,
                "digest": layer.digest,
                "diff_id": layer.diff_id,
            }
            for layer in image.layers
        ],
    }


def _text(image: Image) -> Iterator[str]:
    from cnbkit_engine.build.report import size_text

    facts = [
        ("Image", image.name),
        ("Digest", image.digest),
        ("Platform", image.platform),
        ("Base", image.base or "unknown"),
        ("Size", f"{size_text(image.size)} compressed"),
        ("User", image.user or "root"),
    ]
    yield from _table(facts, indent="")
    yield from ("", "Layers, bottom first")
    yield from _table([(size_text(x.size), x.digest[7:19], x.what) for x in image.layers])
    if image.buildpacks:
        yield from ("", "Buildpacks")
        yield from _table([(used.id, used.version) for used in image.buildpacks])
    if image.processes:
        yield from ("", "Processes (* default)")
        yield from _table(
            [
                ("*" if x.default else "", x.type, " ".join((*x.command, *x.args)))
                for x in image.processes
            ]
        )
    if image.env:
        yield from ("", "Environment")
        yield from _table(sorted(image.env.items()))
    labels = [item for item in sorted(image.labels.items()) if item[0] not in _DOCUMENTS]
    if labels:
        yield from ("", "Labels")
        yield from _table(labels)


def _table(rows: Sequence[Sequence[str]], indent: str = "  ") -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield (indent + "  ".join(cells)).rstrip()

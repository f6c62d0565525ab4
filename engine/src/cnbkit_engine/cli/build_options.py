"""Options of `cnbkit build`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnbkit_engine.cli.base import base_option
from cnbkit_engine.cli.target import platform_option

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["build_options"]

_OPTIONS = (
    click.option(
        "--tag", "-t", metavar="NAME", help="Name of the image; the folder's if not given."
    ),
    click.option(
        "--publish",
        "published",
        metavar="REF",
        multiple=True,
        help="Export to a registry instead of the local store; given again, under that name too.",
    ),
    click.option(
        "--compression",
        type=click.Choice(["gzip", "zstd"]),
        default="gzip",
        show_default=True,
        help="Of the layers of a published image; zstd is smaller, where all that pulls takes it.",
    ),
    click.option(
        "--previous-image",
        metavar="REF",
        default="",
        help="Use its layers again. If not given: the image that has the name, else the last one "
        "built here, else one of the repository with the branch's tag, main, master or latest.",
    ),
    click.option(
        "--cache-image",
        metavar="REF",
        default="",
        help="Keep the cache there, for builds on other machines; goes with --publish.",
    ),
    click.option(
        "--run-image",
        metavar="REF",
        default="",
        help="What the app is put on; the builder's or cnbkit's own if not given. With --publish "
        "cnbkit's own is pushed to REF if nothing is there, and the image can be rebased.",
    ),
    click.option(
        "--output",
        "-o",
        metavar="KIND:PATH",
        help="Also write the image to PATH; KIND is oci, oci-archive or docker-archive.",
    ),
    click.option(
        "--load",
        is_flag=True,
        help="Also give the image to Docker or Podman, whichever is running.",
    ),
    click.option(
        "--env", "-e", "variables", metavar="K[=V]", multiple=True, help="Build-time variable."
    ),
    click.option(
        "--volume",
        "volumes",
        metavar="HOST:TARGET",
        multiple=True,
        help="Show a file or folder of this machine to the buildpacks, as a service binding: "
        "DIR:/platform/bindings/NAME. Read-only; writable with :rw behind it.",
    ),
    click.option("--default-process", "-D", metavar="TYPE", default="", help="Process to start."),
    click.option(
        "--exec-env",
        metavar="NAME",
        default="",
        help="What the image is for: production (if not given), test or development.",
    ),
    click.option(
        "--creation-time",
        metavar="TIME",
        default="",
        help="When the image says it was made: now, or seconds since 1970. Without it "
        "SOURCE_DATE_EPOCH counts, else it is 1980, the same for the same app.",
    ),
    click.option(
        "--hardware",
        metavar="WORDS",
        default="",
        help="What the image is for, like cuda:12.8; several with commas make an image each, with "
        "the word in its tag, and a table of what they share.",
    ),
    platform_option,
    base_option,
    click.option("--clear-cache", is_flag=True, help="Re-use nothing of earlier builds."),
    click.option(
        "--force",
        is_flag=True,
        help="Build also if nothing has changed since the image was built; else it is left as it "
        "is.",
    ),
    click.option(
        "--engine",
        type=click.Choice(["embedded", "pack"]),
        default="embedded",
        show_default=True,
        help="The lifecycle in a sandbox; or pack with Docker, which then has the image.",
    ),
    click.option(
        "--network",
        metavar="NAME",
        default="",
        help="Of the code that builds: host, none or private (its own, without this machine's "
        "loopback; the default where it can be had, or as CNBKIT_NETWORK says). With --engine "
        "pack: the network of its containers.",
    ),
    click.option(
        "--insecure-registry",
        "insecure",
        metavar="HOST",
        multiple=True,
        help="Speak plain HTTP to it.",
    ),
    click.option(
        "--builder",
        "-B",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Another builder.toml than the reference one.",
    ),
    click.option(
        "--report",
        "page",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE.html",
        help="Write a page about the image and its build: what costs what, what took how long.",
    ),
    click.option(
        "--attest",
        is_flag=True,
        help="Attach bills of materials and the provenance to the published image (OCI referrers).",
    ),
    click.option(
        "--attest-key",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        metavar="FILE.pem",
        help="Sign the provenance with this private key; its password is CNBKIT_ATTEST_PASSWORD.",
    ),
    click.option("--verbose", "-v", is_flag=True, help="Show all of the lifecycle's output."),
)


def build_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command all of them, in the order in which `--help` has them."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function

"""The run images of a builder image: named so that everybody can pull them, and for its targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnbkit.errors import PlatformFault, UserFault
from cnbkit_engine.builder.checks import check_platform
from cnbkit_engine.builder.run_images import run_images
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.store import UnknownImage
from cnbkit_engine.registry.server import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cnbkit_engine.spec.builder import BuilderDescriptor

__all__ = ["check_run_images", "public_run_images"]


def public_run_images(builder: BuilderDescriptor, chosen: str, path: Path) -> list[dict[str, Any]]:
    """`image` and `mirrors` of each.

    Args:
        builder: builder.toml.
        chosen: a run image instead of those in it; empty for them.
        path: of builder.toml.

    Raises:
        UserFault: there is none, or one has a name of this machine's own.
    """
    found: list[dict[str, Any]] = run_images(builder)
    if chosen:
        found = [{"image": chosen, "mirrors": []}]
    if not found:
        raise UserFault(
            "the builder names no run image, which apps stand on",
            where=str(path),
            remedy='add [[run.images]] image = "…", or give --run-image',
        )
    for each in found:
        for name in (each["image"], *each["mirrors"]):
            if Reference.parse(name).domain.partition(":")[0] == HOST:
                raise UserFault(
                    f"{name} is a name only cnbkit's own builds know",
                    where=str(path),
                    remedy="push the run image to a registry and name that",
                )
    return found


def check_run_images(
    runs: Sequence[dict[str, Any]],
    targets: Sequence[str],
    insecure: Sequence[str],
    show: Callable[[str], None],
) -> None:
    """See that each is for the targets; one that is not there yet may be pushed later.

    Args:
        runs: as `public_run_images` answers.
        targets: architectures.
        insecure: registries to speak plain HTTP to.
        show: told which could not be checked.

    Raises:
        UserFault: one is for another platform.
    """
    from cnbkit_engine.oci.remote import Remote

    for name in [each["image"] for each in runs]:
        remote = Remote(name, insecure=insecure)
        for arch in targets:
            try:
                config = remote.config(arch)
            except (UnknownImage, PlatformFault) as fault:
                show(f"Not checked: run image {name} ({fault.what})")
                break
            check_platform("run", name, config, arch)

"""The build image that a builder image stands on: the one that is named, or cnbkit's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnbkit.errors import UserFault
from cnbkit_engine.base.image_root import python_of_image
from cnbkit_engine.base.images import BaseImages
from cnbkit_engine.base.suites import suite_named
from cnbkit_engine.builder.checks import check_platform
from cnbkit_engine.builder.distros import builder_suites
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.store import ImageStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from cnbkit_engine.oci.layout import Layout
    from cnbkit_engine.spec.builder import BuilderDescriptor
    from cnbkit_engine.state.home import Home

__all__ = ["BuildImage", "build_image", "owner_of_builds"]


@dataclass(frozen=True)
class BuildImage:
    """What is on it.

    Args:
        layers: its layers, as its manifest has them.
        config: its config.
        python: version of its Python; empty if it has none, `?` for cnbkit's own, which is made
            for the buildpacks.
    """

    layers: list[Any]
    config: Mapping[str, Any]
    python: str


def build_image(
    home: Home,
    builder: BuilderDescriptor,
    path: Path,
    layout: Layout,
    space: Path,
    arch: str,
    *,
    chosen: str,
    base: str,
    insecure: Sequence[str],
    show: Callable[[str], None],
) -> BuildImage:
    """Take over its layers.

    Args:
        home: cnbkit's own base images are kept there.
        builder: builder.toml.
        path: of builder.toml.
        layout: gets the layers.
        space: for what is pulled.
        arch: what the builder is for.
        chosen: a build image instead of the one in builder.toml; empty for that.
        base: the suite of cnbkit's own, where no other is named; the builder's if empty.
        insecure: registries to speak plain HTTP to.
        show: told, a sentence each, when something long begins and ends.

    Raises:
        UserFault: it is for another platform, or there is none of that name.
        PlatformFault: the registry or the network is out of reach, or the disk is full.
    """
    name = (
        chosen
        or (builder.build and builder.build.image)
        or (builder.stack and builder.stack.build_image)
    )
    if name:
        from cnbkit_engine.oci.remote import Remote

        store = ImageStore(space / "base")
        Remote(name, insecure=insecure).pull(store.path, arch)
        image = Image.from_store(store, store.names()[0])
    else:
        store = ImageStore(home.images)
        suite = suite_named(base) if base else builder_suites(path)[0]
        bases = BaseImages(home, store, arch=arch, suite=suite, progress=show)
        image = Image.from_store(store, bases.ensure_build_image(), f"linux/{arch}")
    check_platform("build", name or str(home.images), image.config, arch)
    for layer in image.layers:
        layout.adopt(store.blob_path(layer.digest))
    python = python_of_image(store, image) if name else "?"  # made for the buildpacks
    return BuildImage(list(image.manifest["layers"]), image.config, python)


def owner_of_builds(config: Mapping[str, Any], path: Path) -> tuple[int, int]:
    """User and group that builds run as, by the build image's config.

    Raises:
        UserFault: it does not say.
    """
    variables = dict(
        item.partition("=")[::2] for item in (config.get("config") or {}).get("Env") or ()
    )
    try:
        return int(variables["CNB_USER_ID"]), int(variables["CNB_GROUP_ID"])
    except (KeyError, ValueError):
        raise UserFault(
            "the build image does not say whose builds are: CNB_USER_ID and CNB_GROUP_ID",
            where=str(path),
            remedy="name a build image that has both, as numbers, in its environment",
        ) from None

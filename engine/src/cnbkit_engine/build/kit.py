"""What all builds share, made ready once: base images, the lifecycle, assembled buildpacks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnbkit_engine.base.image_root import image_root, python_of_root
from cnbkit_engine.base.images import BaseImages, machine_architecture
from cnbkit_engine.builder.checks import check_python
from cnbkit_engine.builder.choices import choices
from cnbkit_engine.builder.folder import ensure_builder
from cnbkit_engine.buildpack.assemble import Runtime
from cnbkit_engine.lifecycle.install import ensure_lifecycle
from cnbkit_engine.lifecycle.named import check_version, named_lifecycle
from cnbkit_engine.sandbox.emulation import ensure_emulation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.state.home import Home

__all__ = ["Kit", "prepare"]


@dataclass(frozen=True)
class Kit:
    """What every build needs and none makes anew.

    Args:
        root: the build image as a folder.
        run_image: name of the run image in the store.
        lifecycle: the folder with the lifecycle's programs, for this machine.
        launcher: the lifecycle's program that images start with, for the image's architecture.
        builder: the folder with assembled buildpacks and their order.
    """

    root: Path
    run_image: str
    lifecycle: Path
    launcher: Path
    builder: Path


def prepare(
    home: Home,
    store: ImageStore,
    builder: Path,
    show: Callable[[str], None],
    arch: str = "",
    insecure: Sequence[str] = (),
) -> Kit:
    """Have everything ready that builds share; does nothing where it is.

    Args:
        home: where it is kept.
        store: gets the run image.
        builder: path of builder.toml.
        show: told, a sentence each, when something long begins and ends.
        arch: of the images to build, `amd64` or `arm64`; this machine's if empty.
        insecure: registries to speak plain HTTP to.

    Raises:
        UserFault: the builder names a build image or a lifecycle that the engine cannot use.
        PlatformFault: the host lacks something, there is no network, or the disk is full.
        BuildpackFault: the builder or one of its buildpacks is wrong.
    """
    own = machine_architecture()
    arch = arch or own
    named = choices(builder)
    bases = BaseImages(home, store, arch=arch, progress=show)
    if named.build_image:
        run_image = bases.ensure_run_image()
        root = image_root(home, named.build_image, arch, insecure, show)
    else:
        root, run_image = bases.prepare()
    check_version(named.lifecycle_version, builder)
    if named.lifecycle_uri:
        lifecycle = named_lifecycle(home, named.lifecycle_uri, builder, arch)
    else:
        lifecycle = ensure_lifecycle(home, arch=own, progress=show)
    launcher = lifecycle
    # Bytecode is made by cnbkit's own Python of the version that the buildpacks are for.
    compiling = bases.ensure_build_root() if named.build_image else root
    if arch != own:
        # The lifecycle runs in the other root as it is, at full speed: it is linked statically.
        # What is for the image alone has to be the image's. Bytecode is for any architecture.
        ensure_emulation(home, arch, show)
        launcher = ensure_lifecycle(home, arch=arch, progress=show)
        compiling = BaseImages(home, store, arch=own, progress=show).ensure_build_root()
    assembled = ensure_builder(home, builder, Runtime(arch=arch), compiling, show)
    if named.build_image:
        where = f"[build] image = {named.build_image!r}"
        version = Runtime().version
        check_python(assembled / "buildpacks", python_of_root(root), version, where, builder)
    for used in {root, compiling, assembled}:
        os.utime(used)  # `prune` goes by this
    return Kit(root, run_image, lifecycle, launcher / "launcher", assembled)

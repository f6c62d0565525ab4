"""What all builds share, made ready once: base images, the lifecycle, assembled buildpacks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault
from cnbkit_engine.base.images import BaseImages, machine_architecture
from cnbkit_engine.base.suites import DEFAULT, SUITES, Suite, suite_of_config
from cnbkit_engine.builder.choices import choices
from cnbkit_engine.builder.folder import ensure_builder
from cnbkit_engine.buildpack.assemble import Runtime
from cnbkit_engine.lifecycle.install import ensure_lifecycle
from cnbkit_engine.lifecycle.named import check_version, named_lifecycle
from cnbkit_engine.state.disk import mark_used
from cnbkit_engine.state.tree_record import damaged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.state.home import Home
    from cnbkit_engine.state.locks import Held

__all__ = ["Kit", "held_kit", "prepare", "refuse_damaged"]


@dataclass(frozen=True)
class Kit:
    """What every build needs and none makes anew.

    Args:
        root: the build image as a folder.
        run_image: name of the run image in the store.
        lifecycle: the folder with the lifecycle's programs, for this machine.
        launcher: the lifecycle's program that images start with, for the image's architecture.
        builder: the folder with assembled buildpacks and their order.
        suite: what the build image is made of, as far as is known.
    """

    root: Path
    run_image: str
    lifecycle: Path
    launcher: Path
    builder: Path
    suite: Suite = DEFAULT

    @property
    def folders(self) -> tuple[Path, ...]:
        """What was made once and is used by the whole build."""
        return self.root, self.lifecycle, self.builder


def held_kit(held: Held, prepared: Callable[[], Kit]) -> Kit:
    """What `prepared` answers, of which nothing is removed while it is held."""
    while True:
        kit = prepared()
        if all(held.take(each) for each in kit.folders):
            return kit


def refuse_damaged(held: Held) -> None:
    """After a build has failed, see that the reason is not what it stood on.

    Raises:
        PlatformFault: it is; the next build makes that anew.
    """
    for folder, missing in damaged(held.folders).items():
        raise PlatformFault(
            f"what the build stood on was damaged: {missing} is missing or torn",
            where=str(folder),
            remedy="build again: it is made anew then; see that nobody removes files there",
        )


def prepare(
    home: Home,
    store: ImageStore,
    builder: Path,
    show: Callable[[str], None],
    arch: str = "",
    suite: Suite = DEFAULT,
    insecure: Sequence[str] = (),
) -> Kit:
    """Have everything ready that builds share; does nothing where it is.

    Args:
        home: where it is kept.
        store: gets the run image.
        builder: path of builder.toml.
        show: told, a sentence each, when something long begins and ends.
        arch: of the images to build, `amd64` or `arm64`; this machine's if empty.
        suite: of Debian, which they stand on; a build image that the builder names goes before it.
        insecure: registries to speak plain HTTP to.

    Raises:
        UserFault: the builder names a build image or a lifecycle that the engine cannot use.
        PlatformFault: the host lacks something, there is no network, or the disk is full.
        BuildpackFault: the builder or one of its buildpacks is wrong.
    """
    own = machine_architecture()
    arch = arch or own
    named = choices(builder)
    check_version(named.lifecycle_version, builder)
    root, there = None, ""
    if named.build_image:
        from cnbkit_engine.base.image_root import image_root, python_of_root

        root, config = image_root(home, named.build_image, arch, insecure, show)
        there = python_of_root(root)
        told = suite_of_config(config)
        suite = next((each for each in SUITES.values() if each.python == there), told or suite)
    bases = partial(BaseImages, home, store, suite=suite, progress=show)
    if root is None:
        root, run_image = bases(arch=arch).prepare()
        compiling = root
    else:
        run_image = bases(arch=arch).ensure_run_image()
        # Bytecode is made by cnbkit's own Python of the version that the buildpacks are for.
        compiling = bases(arch=own).ensure_build_root()
    if named.lifecycle_uri:
        lifecycle = named_lifecycle(home, named.lifecycle_uri, builder, arch)
    else:
        lifecycle = ensure_lifecycle(home, arch=own, progress=show)
    launcher = lifecycle
    if arch != own:
        # The lifecycle runs in the other root as it is, at full speed: it is linked statically.
        # What is for the image alone has to be the image's. Bytecode is for any architecture.
        from cnbkit_engine.sandbox.emulation import ensure_emulation

        ensure_emulation(home, arch, show)
        launcher = ensure_lifecycle(home, arch=arch, progress=show)
        compiling = bases(arch=own).ensure_build_root()
    runtime = Runtime(version=suite.python, arch=arch)
    assembled = ensure_builder(home, builder, runtime, compiling, show)
    if named.build_image:
        from cnbkit_engine.builder.checks import check_python

        where = f"[build] image = {named.build_image!r}"
        check_python(assembled / "buildpacks", there, where, builder)
    for used in {root, compiling, assembled}:
        mark_used(used)
    return Kit(root, run_image, lifecycle, launcher / "launcher", assembled, suite)

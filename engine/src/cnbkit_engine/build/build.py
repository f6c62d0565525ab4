"""The embedded engine: the real lifecycle in a sandbox, no container engine, no root."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cnbkit.errors import CnbkitError, UserFault
from cnbkit_engine.base.gpu import asks_for_gpus, gpu_run_image
from cnbkit_engine.base.images import BaseImages, machine_architecture
from cnbkit_engine.base.suites import DEFAULT, Suite
from cnbkit_engine.build.app_copy import make_mount_point
from cnbkit_engine.build.app_files import AppFiles
from cnbkit_engine.build.app_space import laid_out
from cnbkit_engine.build.base_choice import choose_base
from cnbkit_engine.build.cache import app_cache, image_lock
from cnbkit_engine.build.conventions import unused
from cnbkit_engine.build.predecessor import damage_in_registry
from cnbkit_engine.build.project_order import builder_for
from cnbkit_engine.build.report import reasons, summary
from cnbkit_engine.build.verdict import judged
from cnbkit_engine.builder.folder import ensure_builder
from cnbkit_engine.buildpack.assemble import Runtime
from cnbkit_engine.lifecycle.install import ensure_lifecycle
from cnbkit_engine.lifecycle.output import Narrator
from cnbkit_engine.lifecycle.phase_sandbox import PhaseSandboxes, proxies_with_passwords
from cnbkit_engine.lifecycle.phases import BuildFailed, Phases
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.registry.server import Registry
from cnbkit_engine.sandbox.emulation import ensure_emulation, is_foreign
from cnbkit_engine.sandbox.network import network_for
from cnbkit_engine.sandbox.seccomp import ensure_filter
from cnbkit_engine.state.locks import locked
from cnbkit_engine.state.workspace import Workspace, remove_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from cnbkit_engine.sandbox.sandbox import Bind
    from cnbkit_engine.state.home import Home

__all__ = ["Build", "Kit", "Outcome", "prepare", "table"]


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
    suite: Suite = DEFAULT,
) -> Kit:
    """Have everything ready that builds share; does nothing where it is.

    Args:
        home: where it is kept.
        store: gets the run image.
        builder: path of builder.toml.
        show: told, a sentence each, when something long begins and ends.
        arch: of the images to build, `amd64` or `arm64`; this machine's if empty.
        suite: of Debian, which they stand on.

    Raises:
        PlatformFault: the host lacks something, there is no network, or the disk is full.
        BuildpackFault: the builder or one of its buildpacks is wrong.
    """
    own = machine_architecture()
    arch = arch or own
    root, run_image = BaseImages(home, store, arch=arch, suite=suite, progress=show).prepare()
    lifecycle = ensure_lifecycle(home, arch=own, progress=show)
    launcher, compiling = lifecycle, root
    if arch != own:
        # The lifecycle runs in the other root as it is, at full speed: it is linked statically.
        # What is for the image alone has to be the image's. Bytecode is for any architecture.
        ensure_emulation(home, arch, show)
        launcher = ensure_lifecycle(home, arch=arch, progress=show)
        compiling = BaseImages(
            home, store, arch=own, suite=suite, progress=show
        ).ensure_build_root()
    runtime = Runtime(version=suite.python, arch=arch)
    assembled = ensure_builder(home, builder, runtime, compiling, show)
    for used in {root, compiling, assembled}:
        os.utime(used)  # `prune` goes by this
    return Kit(root, run_image, lifecycle, launcher / "launcher", assembled)


@dataclass(frozen=True)
class Outcome:
    """A finished build.

    Args:
        name: the image's name.
        digest: of its manifest.
        layers: "built" or "reused" for each layer, by the lifecycle's name for it.
        why: reasons for rebuilds, by `buildpack_id:layer`.
        seconds: wall time, preparations included.
        image: the image in the store; None if it was published.
    """

    name: str
    digest: str
    layers: Mapping[str, str]
    why: Mapping[str, str]
    seconds: float
    image: Image | None


@dataclass(frozen=True)
class Build:
    """What to build, and how.

    Args:
        app: the app's folder.
        name: the image's name; with `publish`, a registry's reference.
        builder: path of builder.toml.
        env: build-time variables (`--env`).
        volumes: files and folders of the host to show to the buildpacks (`--volume`).
        publish: export to the registry in `name` instead of the store.
        clear_cache: begin with an empty cache, and re-use nothing of the previous image.
        default_process: the process type the image starts; the buildpacks' choice if empty.
        exec_env: what the image is for (`--exec-env`); "production" if empty.
        created: seconds since 1970 that the image says it was made at; 1980 if empty.
        arch: `amd64` or `arm64`; this machine's if empty.
        base: `bookworm` or `trixie`; the builder's, or the one whose Python the app asks for, if
            empty.
        insecure_registries: hosts to speak plain HTTP to.
        network: of the phases that run others' code: `host`, `none` or `private`; private where it
            can be had if empty.
        verbose: show all of the lifecycle's output.
        show: prints a line.
    """

    app: Path
    name: str
    builder: Path
    env: Mapping[str, str] = field(default_factory=dict)
    volumes: tuple[Bind, ...] = ()
    publish: bool = False
    clear_cache: bool = False
    default_process: str = ""
    exec_env: str = ""
    created: str = ""
    arch: str = ""
    base: str = ""
    insecure_registries: tuple[str, ...] = ()
    network: str = ""
    verbose: bool = False
    show: Callable[[str], None] = print

    def run(self, home: Home) -> Outcome:
        """Build.

        Raises:
            BuildFailed: the lifecycle or a buildpack failed.
            UserFault: the app's folder is not one.
            PlatformFault: the host lacks something, or the disk is full.
        """
        start = time.monotonic()
        reference = Reference.parse(self.name)
        reference = reference.to_make("") if self.publish else reference.to_store("")
        if not self.app.is_dir():
            raise UserFault(
                "there is no such folder", where=str(self.app), remedy="name the app's folder"
            )
        files = AppFiles(self.app)
        env = {**files.variables, **self.env}
        store = ImageStore(home.images)
        builder = builder_for(home, self.builder, files.project)
        if files.project.io.buildpacks.builder:
            named = files.project.io.buildpacks.builder
            self.show(f"project.toml: the builder {named} is for pack; this one is {self.builder}")
        choice = choose_base(self.base, self.app, env, self.builder)
        if choice.reason:
            self.show(str(choice))
        kit = prepare(home, store, builder, self.show, self.arch, choice.suite)
        arch = self.arch or machine_architecture()
        run_image = kit.run_image
        if asks_for_gpus(self.app, env, kit.builder):
            run_image = gpu_run_image(store, run_image)
        cache = app_cache(home, reference, arch if is_foreign(arch) else "")
        afresh = self.clear_cache or not (self.publish or _continues(store, self.name, arch))
        log = cache / "last.log"
        with ExitStack() as stack:
            stack.enter_context(locked(image_lock(home, reference), self._waits))
            # It takes its time, which is spent on what comes before the buildpacks.
            network, namespace = stack.enter_context(
                network_for(self.network, os.environ, self.show)
            )
            registry = stack.enter_context(Registry(store, show=self.show))
            space = stack.enter_context(Workspace(home.tmp, background=True))
            damage = None
            if self.publish:
                damage = stack.enter_context(
                    damage_in_registry(self.name, arch, self.insecure_registries)
                )
            if self.clear_cache:
                remove_tree(cache)
            built = cache / "image"  # the last image's digest
            first = afresh or not built.exists()
            (cache / "layers").mkdir(parents=True, exist_ok=True)
            cache.chmod(0o700)  # what a build leaves there is not for others of this machine
            copied = laid_out(space, self.app, files, self.env, kit.builder, self.show)
            if not self.publish:
                # Recorded in the image, which can be rebased by it then.
                run = f'[[images]]\nimage = "{registry.host}/{run_image}"\n'
                (space / "run.toml").write_text(run, encoding="utf-8")
            if exposed := proxies_with_passwords():
                self.show(f"The build's code can read the password in {', '.join(exposed)}")
            if ensure_filter(home.tools) is None:
                self.show("System calls are not filtered: libseccomp 2.5 is not installed")
            sandboxes = replace(
                self._sandboxes(home, kit, cache, space, registry),
                network=network,
                namespace=namespace,
            )
            with log.open("w", encoding="utf-8") as file:
                notes = unused(copied.paths, kit.builder)
                narrator = Narrator(self.show, file, verbose=self.verbose, notes=notes)
                phases = Phases(
                    sandboxes,
                    registry,
                    narrator,
                    log,
                    image=self.name,
                    run_image=run_image,
                    default_process=self.default_process,
                    insecure=(registry.host, *self.insecure_registries),
                    logins=self._logins(),
                )
                if damage and (found := damage()):
                    self.show(f"The image {self.name} in the registry is damaged: {found}.")
                    self.show("Nothing of it is used; what is needed is built anew.")
                    phases.ignore_predecessor()
                try:
                    exported = phases.run(space, store, arch, first=first, afresh=afresh)
                except BuildFailed as failed:
                    raise judged(
                        failed, narrator.detection, self.app, copied.paths, kit.builder
                    ) from None
            built.write_text(f"{narrator.digest}\n", encoding="utf-8")
            why = reasons(exported)
        image = None if self.publish else Image.from_store(store, self.name)
        return Outcome(
            name=self.name,
            digest=image.digest if image else narrator.digest,
            layers=narrator.layers,
            why=why,
            seconds=time.monotonic() - start,
            image=image,
        )

    def _waits(self, holder: str) -> None:
        self.show(f"Waiting: {holder} works on the image {self.name} ...")

    def _sandboxes(
        self, home: Home, kit: Kit, cache: Path, space: Path, registry: Registry
    ) -> PhaseSandboxes:
        for volume in self.volumes:
            make_mount_point(volume, space)
        return PhaseSandboxes(
            home.tmp,
            root=kit.root,
            lifecycle=kit.lifecycle,
            launcher=kit.launcher,
            builder=kit.builder,
            space=space,
            cache=cache / "layers",
            volumes=self.volumes,
            store_host=registry.host,
            store_address=registry.address,
            tls=self.publish,
            exec_env=self.exec_env,
            created=self.created,
        )

    def _logins(self) -> dict[str, str] | None:
        if not self.publish:
            return None
        from cnbkit_engine.oci.keychain import for_lifecycle

        return for_lifecycle([self.name])


def table(outcome: Outcome) -> list[str]:
    """The layer table of a finished build."""
    return list(summary(outcome.layers, outcome.why, outcome.image))


def _continues(store: ImageStore, name: str, arch: str) -> bool:
    """Whether layers of the image of that name may be used again: not another processor's."""
    try:
        image = Image.from_store(store, name, f"linux/{arch}")
    except CnbkitError:
        return True  # there is none, or the lifecycle says what is wrong with it
    return image.config.get("architecture") == arch

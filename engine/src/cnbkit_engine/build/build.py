"""The embedded engine: the real lifecycle in a sandbox, no container engine, no root."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cnbkit.errors import UserFault
from cnbkit_engine.base.gpu import asks_for_gpus
from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.build.app_copy import make_mount_point
from cnbkit_engine.build.app_files import AppFiles
from cnbkit_engine.build.app_space import laid_out
from cnbkit_engine.build.base_choice import choose_base
from cnbkit_engine.build.cache import LOG, app_cache, image_lock
from cnbkit_engine.build.conventions import unused
from cnbkit_engine.build.kit import Kit, prepare
from cnbkit_engine.build.predecessor import (
    candidates,
    last_name,
    predecessor_in_registry,
    predecessor_in_store,
    remember,
)
from cnbkit_engine.build.project_order import builder_for
from cnbkit_engine.build.report import reasons, summary
from cnbkit_engine.build.run_image import RunImage, RunImages, base_of_run_image
from cnbkit_engine.build.verdict import judged
from cnbkit_engine.builder.asked_extensions import with_asked_extensions
from cnbkit_engine.builder.run_images import read_run_images
from cnbkit_engine.lifecycle.output import Narrator
from cnbkit_engine.lifecycle.phase_sandbox import PhaseSandboxes, proxies_with_passwords
from cnbkit_engine.lifecycle.phases import BuildFailed, Phases
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.registry.server import Registry
from cnbkit_engine.sandbox.emulation import is_foreign
from cnbkit_engine.sandbox.network import network_for
from cnbkit_engine.sandbox.seccomp import ensure_filter
from cnbkit_engine.state.locks import locked
from cnbkit_engine.state.workspace import Workspace, remove_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from cnbkit_engine.build.extensions import ExtendedImages
    from cnbkit_engine.lifecycle.detection import Detection
    from cnbkit_engine.lifecycle.timeline import Mark
    from cnbkit_engine.sandbox.sandbox import Bind
    from cnbkit_engine.state.home import Home

__all__ = ["Build", "Kit", "Outcome", "prepare", "table"]


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
        marks: when phases and buildpacks began.
    """

    name: str
    digest: str
    layers: Mapping[str, str]
    why: Mapping[str, str]
    seconds: float
    image: Image | None
    marks: tuple[Mark, ...] = ()


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
        tags: more names for the published image, in the same registry.
        run_image: what the app is put on (`--run-image`); the builder's choice if empty.
        previous_image: whose layers are used again (`--previous-image`); if empty the image that
            has the name, else an earlier one of the repository.
        cache_image: where the cache is kept in a registry (`--cache-image`).
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
        detection: gets to know what each buildpack says in detect, also where all goes well.
        show: prints a line.
    """

    app: Path
    name: str
    builder: Path
    env: Mapping[str, str] = field(default_factory=dict)
    volumes: tuple[Bind, ...] = ()
    publish: bool = False
    tags: tuple[str, ...] = ()
    run_image: str = ""
    previous_image: str = ""
    cache_image: str = ""
    clear_cache: bool = False
    default_process: str = ""
    exec_env: str = ""
    created: str = ""
    arch: str = ""
    base: str = ""
    insecure_registries: tuple[str, ...] = ()
    network: str = ""
    verbose: bool = False
    detection: Detection | None = None
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
        builder = with_asked_extensions(home, builder, env)
        if files.project.io.buildpacks.builder:
            named = files.project.io.buildpacks.builder
            self.show(f"project.toml: the builder {named} is for pack; this one is {self.builder}")
        arch = self.arch or machine_architecture()
        base = self.base or base_of_run_image(store, self.run_image, arch, self.insecure_registries)
        choice = choose_base(base, self.app, env, self.builder)
        if choice.reason:
            self.show(str(choice))
        kit = prepare(
            home, store, builder, self.show, self.arch, choice.suite, self.insecure_registries
        )
        run_images = RunImages(
            store,
            kit.run_image,
            read_run_images(kit.builder),
            self.run_image,
            arch,
            asks_for_gpus(self.app, env, kit.builder),
            kit.suite,
            self.insecure_registries,
            self.show,
        )
        foreign = arch if is_foreign(arch) else ""
        cache = app_cache(home, reference, foreign, self.env.get("BP_HARDWARE", ""))
        afresh = self.clear_cache
        log = cache / LOG
        with ExitStack() as stack:
            stack.enter_context(locked(cache, self._waits))
            stack.enter_context(locked(image_lock(home, reference), self._waits))
            names = candidates(reference, self.previous_image, last_name(cache))
            # It takes its time, which is spent on what comes before the buildpacks.
            network, namespace = stack.enter_context(
                network_for(self.network, os.environ, self.show)
            )
            registry = stack.enter_context(Registry(store, show=self.show))
            space = stack.enter_context(Workspace(home.tmp, background=True))
            search = None
            if self.publish:
                search = stack.enter_context(
                    predecessor_in_registry(names, arch, self.insecure_registries)
                )
            else:
                before, usable = predecessor_in_store(store, names, arch)
                afresh = afresh or not usable
            if self.clear_cache:
                remove_tree(cache)
            first = afresh or not last_name(cache)
            (cache / "layers").mkdir(parents=True, exist_ok=True)
            cache.chmod(0o700)  # what a build leaves there is not for others of this machine
            copied = laid_out(
                space, self.app, files, self.env, kit.builder, self.show, exec_env=self.exec_env
            )
            run_image = (
                run_images.in_registry(reference, registry.host)
                if self.publish
                else run_images.in_store(registry.host)
            )
            if document := run_image.document:
                # Recorded in the image, which can be rebased by it then.
                (space / "run.toml").write_text(document, encoding="utf-8")
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
                narrator.detection = self.detection or narrator.detection
                phases = Phases(
                    sandboxes,
                    registry,
                    narrator,
                    log,
                    image=self.name,
                    run_image=run_image.reference,
                    stored=run_image.stored,
                    default_process=self.default_process,
                    insecure=(registry.host, *self.insecure_registries),
                    logins=self._logins(
                        "" if run_image.stored else run_image.reference, self.cache_image
                    ),
                    tags=self.tags,
                    cache_image=self.cache_image,
                    detect_output=self.detection is not None,
                    extend=self._extended(home, store, kit.root, run_image, registry.host)
                    if sandboxes.has_extensions
                    else None,
                )
                if search:
                    found = search()
                    before = found.name
                    for name, damage in found.damaged:
                        self.show(f"The image {name} in the registry is damaged: {damage}.")
                        self.show("Nothing of it is used; what is needed is built anew.")
                    if found.damaged and not before:
                        phases.ignore_predecessor()
                if before and not afresh and Reference.parse(before).stored != reference.stored:
                    self.show(f"Continuing from {before}")
                    phases.continue_from(before)
                try:
                    exported = phases.run(space, store, arch, first=first, afresh=afresh)
                except BuildFailed as failed:
                    raise judged(
                        failed, narrator.detection, self.app, copied.paths, kit.builder
                    ) from None
            last = f"{reference.familiar}@{narrator.digest}" if self.publish else reference.stored
            remember(cache, narrator.digest, last)
            why = reasons(exported)
        image = None if self.publish else Image.from_store(store, self.name)
        return Outcome(
            name=self.name,
            digest=image.digest if image else narrator.digest,
            layers=narrator.layers,
            why=why,
            seconds=time.monotonic() - start,
            image=image,
            marks=tuple(narrator.timeline.marks),
        )

    def _extended(
        self, home: Home, store: ImageStore, root: Path, run_image: RunImage, host: str
    ) -> ExtendedImages:
        """What carries out image extensions."""
        from cnbkit_engine.build.extensions import ExtendedImages

        stored = run_image.stored_by(store, host, self.arch, self.insecure_registries, self.show)
        return ExtendedImages(home, store, root, stored, self.network, self.clear_cache, self.show)

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

    def _logins(self, *others: str) -> dict[str, str] | None:
        if not self.publish:
            return None
        from cnbkit_engine.oci.keychain import for_lifecycle

        return for_lifecycle(filter(None, (self.name, *others)))


def table(outcome: Outcome) -> list[str]:
    """The layer table of a finished build."""
    return list(summary(outcome.layers, outcome.why, outcome.image))

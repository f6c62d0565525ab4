"""One build by the lifecycle, with all that it needs ready."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cnbkit.errors import BuildpackFault
from cnbkit_engine.build.app_space import laid_out
from cnbkit_engine.build.cache import LOG
from cnbkit_engine.build.conventions import unused
from cnbkit_engine.build.kit import refuse_damaged
from cnbkit_engine.build.predecessor import (
    candidates,
    last_name,
    predecessor_in_registry,
    predecessor_in_store,
    remember,
)
from cnbkit_engine.build.report import reasons
from cnbkit_engine.build.request import Outcome
from cnbkit_engine.build.sandboxes import phase_sandboxes
from cnbkit_engine.lifecycle.build_report import all_repeatable
from cnbkit_engine.lifecycle.compression import ZSTD
from cnbkit_engine.lifecycle.failure import BuildFailed
from cnbkit_engine.lifecycle.output import Narrator
from cnbkit_engine.lifecycle.phase_sandbox import proxies_with_passwords
from cnbkit_engine.lifecycle.phases import Phases
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.registry.server import Registry
from cnbkit_engine.sandbox.network import network_for
from cnbkit_engine.sandbox.seccomp import ensure_filter
from cnbkit_engine.state.workspace import Workspace, remove_tree

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from cnbkit_engine.build.app_files import AppFiles
    from cnbkit_engine.build.extensions import ExtendedImages
    from cnbkit_engine.build.kit import Kit
    from cnbkit_engine.build.no_change import Record
    from cnbkit_engine.build.request import BuildRequest
    from cnbkit_engine.build.run_image import RunImage, RunImages
    from cnbkit_engine.lifecycle.outgoing import Outgoing
    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.state.home import Home
    from cnbkit_engine.state.locks import Held

__all__ = ["Execution"]


class Execution:
    """A build that is to be run; the locks of its cache and image are held.

    Args:
        request: what to build.
        home: where everything is kept.
        store: gets the image.
        kit: what every build needs.
        files: the choice of the app's files.
        run_images: what the app can be put on.
        arch: of the image.
        cache: the app's.
        held: what nobody may change meanwhile.
    """

    def __init__(
        self,
        request: BuildRequest,
        home: Home,
        store: ImageStore,
        kit: Kit,
        files: AppFiles,
        run_images: RunImages,
        arch: str,
        cache: Path,
        held: Held,
    ) -> None:
        self._request = request
        self._home = home
        self._store = store
        self._kit = kit
        self._files = files
        self._run_images = run_images
        self._arch = arch
        self._cache = cache
        self._held = held

    def run(self, reference: Reference, stack: ExitStack, record: Record) -> Outcome:
        """Build.

        Args:
            reference: the image's name.
            stack: takes what lasts as long as the build.
            record: of what the image is made of.

        Raises:
            BuildFailed: the lifecycle or a buildpack failed.
            UserFault, PlatformFault: as `Build.run`.
        """
        request, home, store, kit = self._request, self._home, self._store, self._kit
        run_images, arch, cache = self._run_images, self._arch, self._cache
        afresh = request.clear_cache
        log = cache / LOG
        zstd = request.compression == ZSTD
        names = candidates(reference, request.previous_image, last_name(cache))
        # It takes its time, which is spent on what comes before the buildpacks.
        network = stack.enter_context(network_for(request.network, os.environ, request.show))
        registry = stack.enter_context(Registry(store, show=request.show))
        space = stack.enter_context(Workspace(home.tmp, background=True))
        search = None
        if request.publish:
            search = stack.enter_context(
                predecessor_in_registry(names, arch, request.insecure_registries)
            )
        else:
            before, usable = predecessor_in_store(store, names, arch)
            afresh = afresh or not usable
        if request.clear_cache:
            remove_tree(cache)
        (cache / "layers").mkdir(parents=True, exist_ok=True)
        cache.chmod(0o700)  # what a build leaves there is not for others of this machine
        record.forget()
        copied = laid_out(
            space,
            request.app,
            self._files,
            request.env,
            kit.builder,
            request.show,
            exec_env=request.exec_env,
        )
        settled = record.unchanged_since()
        run_image = (
            run_images.in_registry(reference, registry.host)
            if request.publish
            else run_images.in_store(registry.host)
        )
        if document := run_image.document:
            # Recorded in the image, which can be rebased by it then.
            (space / "run.toml").write_text(document, encoding="utf-8")
        if exposed := proxies_with_passwords():
            request.show(f"The build's code can read the password in {', '.join(exposed)}")
        if ensure_filter(home.tools) is None:
            request.show("System calls are not filtered: libseccomp 2.5 is not installed")
        sandboxes = phase_sandboxes(
            home,
            kit,
            space,
            cache=cache / "layers",
            volumes=request.volumes,
            store=(registry.host, registry.address),
            exec_env=request.exec_env,
            network=network,
            tls=request.publish,
            created=request.created,
        )
        with log.open("w", encoding="utf-8") as file:
            notes = unused(copied.paths, kit.builder)
            narrator = Narrator(request.show, file, verbose=request.verbose, notes=notes)
            narrator.detection = request.detection or narrator.detection
            phases = Phases(
                sandboxes,
                registry,
                narrator,
                log,
                image=request.name,
                run_image=run_image.reference,
                stored=run_image.stored,
                default_process=request.default_process,
                insecure=(registry.host, *request.insecure_registries),
                logins=self._logins(
                    "" if run_image.stored else run_image.reference, request.cache_image
                ),
                tags=request.tags,
                cache_image=request.cache_image,
                detect_output=request.detection is not None,
                extend=self._extend(home, store, kit, registry.host, run_image)
                if sandboxes.has_extensions
                else None,
                outgoing=self._outgoing(registry) if zstd else None,
            )
            if search:
                found = search()
                before = found.name
                for name, damage in found.damaged:
                    request.show(f"The image {name} in the registry is damaged: {damage}.")
                    request.show("Nothing of it is used; what is needed is built anew.")
                if found.damaged:
                    phases.differ()
                if before and found.zstd != zstd:
                    request.show(f"The image {before} is compressed otherwise: all is made anew")
                    before = ""
                if (found.damaged or found.name) and not before:
                    phases.ignore_predecessor()
            if before and not afresh and Reference.parse(before).stored != reference.stored:
                request.show(f"Continuing from {before}")
                phases.continue_from(before)
            try:
                exported = phases.run(space, store, arch, afresh=afresh)
            except BuildFailed as failed:
                from cnbkit_engine.build.verdict import judged  # most builds do not fail

                refuse_damaged(self._held)
                raise judged(
                    failed, narrator.detection, request.app, copied.paths, kit.builder
                ) from None
            except BuildpackFault:
                refuse_damaged(self._held)
                raise
        last = f"{reference.familiar}@{narrator.digest}" if request.publish else reference.stored
        remember(cache, narrator.digest, last)
        why = reasons(exported)
        image = None if request.publish else Image.from_store(store, request.name)
        digest = image.digest if image else narrator.digest
        if settled and all_repeatable(exported):
            record.keep(digest)
        return Outcome(
            name=request.name,
            digest=digest,
            layers=narrator.layers,
            why=why,
            seconds=0.0,
            image=image,
            marks=tuple(narrator.timeline.marks),
        )

    def _outgoing(self, registry: Registry) -> Outgoing:
        """What publishes an image whose layers the exporter would call gzip."""
        from cnbkit_engine.lifecycle.outgoing import Outgoing

        request = self._request
        names = (request.name, *request.tags)
        return Outgoing(registry, self._store, names, self._arch, request.insecure_registries)

    def _extend(
        self, home: Home, store: ImageStore, kit: Kit, host: str, run_image: RunImage
    ) -> ExtendedImages:
        """What carries out image extensions."""
        from cnbkit_engine.build.extensions import ExtendedImages

        request = self._request
        stored = run_image.stored_by(
            store, host, self._arch, request.insecure_registries, request.show
        )
        return ExtendedImages(
            home,
            store,
            kit.root,
            stored,
            self._request.network,
            self._request.clear_cache,
            self._held,
            self._request.show,
        )

    def _logins(self, *others: str) -> dict[str, str] | None:
        if not self._request.publish:
            return None
        from cnbkit_engine.oci.keychain import for_lifecycle

        return for_lifecycle(filter(None, (self._request.name, *others)))

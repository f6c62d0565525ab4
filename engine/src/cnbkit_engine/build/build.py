"""The embedded engine: the real lifecycle in a sandbox, no container engine, no root."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from cnbkit_engine.base.gpu import asks_for_gpus
from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.build.app_files import AppFiles
from cnbkit_engine.build.base_choice import choose_base
from cnbkit_engine.build.cache import app_cache, image_lock
from cnbkit_engine.build.inputs import engine_state, inputs_digest
from cnbkit_engine.build.kit import Kit, held_kit, prepare
from cnbkit_engine.build.no_change import Record, stands
from cnbkit_engine.build.report import summary
from cnbkit_engine.build.request import BuildRequest, Outcome
from cnbkit_engine.build.run_image import RunImages, base_of_run_image
from cnbkit_engine.builder.run_images import read_run_images
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.sandbox.certificates import host_bundle
from cnbkit_engine.sandbox.emulation import is_foreign
from cnbkit_engine.state.locks import Held, locked

if TYPE_CHECKING:
    from cnbkit_engine.state.home import Home

__all__ = ["Build", "Kit", "Outcome", "prepare", "table"]


class Build(BuildRequest):
    """A build to be run."""

    def run(self, home: Home) -> Outcome:
        """Build; where nothing has changed since the image was built, see that it is there.

        Raises:
            BuildFailed: the lifecycle or a buildpack failed.
            UserFault: the app's folder is not one.
            PlatformFault: the host lacks something, or the disk is full.
        """
        start = time.monotonic()
        reference = Reference.parse(self.name)
        reference = reference.to_make("") if self.publish else reference.to_store("")
        files = AppFiles(self.app)
        env = {**files.variables, **self.env}
        store = ImageStore(home.images)
        builder = self.builder
        if files.has_project:
            from cnbkit_engine.build.project_order import builder_for

            builder = builder_for(home, builder, files.project)
        if any(name.startswith("BP_") and not name.startswith("BP_OCI_") for name in env):
            from cnbkit_engine.builder.asked_extensions import with_asked_extensions

            builder = with_asked_extensions(home, builder, env)
        if files.has_project and files.project.io.buildpacks.builder:
            named = files.project.io.buildpacks.builder
            self.show(f"project.toml: the builder {named} is for pack; this one is {self.builder}")
        arch = self.arch or machine_architecture()
        base = self.base or base_of_run_image(store, self.run_image, arch, self.insecure_registries)
        choice = choose_base(base, self.app, env, self.builder)
        if choice.reason:
            self.show(str(choice))
        with ExitStack() as stack:
            held = stack.enter_context(Held())
            kit = held_kit(
                held,
                lambda: prepare(
                    home,
                    store,
                    builder,
                    self.show,
                    self.arch,
                    choice.suite,
                    self.insecure_registries,
                ),
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
            stack.enter_context(locked(cache, self._waits))
            stack.enter_context(locked(image_lock(home, reference), self._waits))
            inputs = partial(
                inputs_digest,
                self,
                kit,
                files,
                run_images.digest(reference if self.publish else None),
                host_bundle(),
                engine_state(),
            )
            record = Record(cache, inputs)
            asked = self.force or self.clear_cache or self.cache_image or self.detection
            if not asked and record.image and self._stands(store, record.image, reference, arch):
                return self._as_before(store, record.image, start)

            from cnbkit_engine.build.execution import Execution  # no unchanged build waits for it

            execution = Execution(self, home, store, kit, files, run_images, arch, cache, held)
            done = execution.run(reference, stack, record)
        return replace(done, seconds=time.monotonic() - start)

    def _stands(self, store: ImageStore, image: str, reference: Reference, arch: str) -> bool:
        return stands(self, store, reference.stored, image, arch)

    def _as_before(self, store: ImageStore, digest: str, start: float) -> Outcome:
        self.show(f"Nothing has changed since {self.name} was built (--force builds it again)")
        image = None if self.publish else Image.from_store(store, self.name)
        layers = [layer for layer in image.layers if layer.kind != "base"] if image else []
        return Outcome(
            name=self.name,
            digest=digest,
            layers={layer.what: "reused" for layer in layers},
            why={},
            seconds=time.monotonic() - start,
            image=image,
            unchanged=True,
        )

    def _waits(self, holder: str) -> None:
        self.show(f"Waiting: {holder} works on the image {self.name} ...")


def table(outcome: Outcome) -> list[str]:
    """The layer table of a finished build."""
    return list(summary(outcome.layers, outcome.why, outcome.image))

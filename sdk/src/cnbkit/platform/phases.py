"""The lifecycle's phases: in one program for a rebuild, one after the other for a first image."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cnbkit.platform.narrate import Narrator
    from cnbkit.platform.registry import Registry
    from cnbkit.platform.sandbox import Sandbox
    from cnbkit.platform.store import ImageStore

__all__ = ["BuildFailed", "Phases"]

# Where things are in the sandbox, as the lifecycle's options name them.
_APP = ("-app", "/workspace")
_LAYERS = ("-layers", "/layers")
_BUILDPACKS = ("-buildpacks", "/cnb/buildpacks")
_ORDER = ("-order", "/cnb/order.toml")
_PLATFORM = ("-platform", "/platform")
_CACHE = ("-cache-dir", "/cache")
_LAUNCHER = ("-launcher", "/cnb/lifecycle/launcher")
_OWNER = ("-uid", "1000", "-gid", "1000")

# The lifecycle's exit codes (lifecycle, platform/exit.go), in words of the person who builds.
_MEANING = {
    20: ("no buildpack recognises this app", "see above what each of them looked for"),
    21: ("a buildpack failed while looking at the app", "see above what it says"),
    51: ("a buildpack failed", "see above what it says"),
}


class BuildFailed(PlatformFault):
    """The lifecycle ended with an error; the previous image and the cache are as before.

    Its exit code is the lifecycle's, except for 1, which says nothing.
    """

    def __init__(self, code: int, log: Path) -> None:
        what, remedy = _MEANING.get(code, ("the build failed", "see above what went wrong"))
        super().__init__(what, where=f"log: {log}", remedy=remedy)
        self.exit_code = code if code > 1 else PlatformFault.exit_code


class Phases:
    """The lifecycle's programs, run in a build's sandbox.

    Args:
        sandbox: shows them all they need at the places their options name.
        registry: serves the run image, and an image that is not published.
        narrator: is told their lines.
        log: the file those lines go to, for whoever is told of a failure.
        image: what they export, with the registry's host.
        run_image: what they export it on, with the registry's host.
        default_process: the process type the image starts; the buildpacks' choice if empty.
        insecure: hosts of registries to speak plain HTTP to.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        registry: Registry,
        narrator: Narrator,
        log: Path,
        *,
        image: str,
        run_image: str,
        default_process: str,
        insecure: Iterable[str],
    ) -> None:
        self._sandbox = sandbox
        self._registry = registry
        self._narrator = narrator
        self._log = log
        self._image = image
        self._run_image = ["-run-image", run_image]
        self._insecure = [option for host in insecure for option in ("-insecure-registry", host)]
        self._default = ["-process-type", default_process] if default_process else []

    def create(self) -> None:
        """All phases in one program, the quickest where most layers are kept.

        Raises:
            BuildFailed: the lifecycle or a buildpack failed.
            PlatformFault: a registry failed or refused, or the sandbox.
        """
        self._run(
            "creator", *_APP, *_LAYERS, *_BUILDPACKS, *_ORDER, *_PLATFORM, *_CACHE, *_LAUNCHER,
            *_OWNER, "-parallel", *self._run_image, *self._insecure, *self._default,
            self._image,
        )  # fmt: skip

    def build_first(self, space: Path, store: ImageStore, arch: str, *, afresh: bool) -> None:
        """One phase after the other, with the layers made ready in between.

        Args:
            space: this build's own folder.
            store: has the run image.
            arch: of the image.
            afresh: do not look at an earlier image of that name.

        Raises:
            BuildFailed: the lifecycle or a buildpack failed.
            PlatformFault: a registry failed or refused, or the sandbox; or the disk is full.
        """
        from cnbkit.platform.ready_layers import ReadyLayers  # no rebuild has to wait for it

        skip = ("-skip-layers",) if afresh else ()
        self._phase(
            "ANALYZING", "analyzer", *_LAYERS, *_OWNER, *skip, *self._run_image, *self._insecure,
            self._image,
        )  # fmt: skip
        self._phase("DETECTING", "detector", *_APP, *_LAYERS, *_BUILDPACKS, *_ORDER, *_PLATFORM)
        self._phase("RESTORING", "restorer", *_LAYERS, *_CACHE, *_OWNER, *skip, *self._insecure)
        self._phase("BUILDING", "builder", *_APP, *_LAYERS, *_BUILDPACKS, *_PLATFORM)
        self._narrator.line("===> EXPORTING")
        aside = space / "exported"
        aside.mkdir()
        with ReadyLayers(
            space / "layers",
            aside,
            store,
            self._registry.host,
            arch=arch,
            uid=self._sandbox.uid,
            gid=self._sandbox.gid,
            alone=afresh,
        ) as ready:
            self._narrator.ready = ready
            self._run(
                "exporter", *_APP, *_LAYERS, *_CACHE, *_LAUNCHER, *_OWNER, "-parallel",
                *self._insecure, *self._default, self._image,
            )  # fmt: skip

    def _phase(self, title: str, program: str, *arguments: str) -> None:
        self._narrator.line(f"===> {title}")
        self._run(program, *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        with self._sandbox.popen(
            [f"/cnb/lifecycle/{program}", "-no-color", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as running:
            assert running.process.stdout is not None
            for line in running.process.stdout:
                self._narrator.line(line.decode(errors="replace").rstrip("\n"))
            code = running.wait()
        if self._registry.fault:
            raise self._registry.fault
        if code:
            from cnbkit.platform.refusal import told_by_lifecycle

            image = self._image.removeprefix(f"{self._registry.host}/")
            fault = told_by_lifecycle(self._narrator.error, image)
            raise fault or BuildFailed(code, self._log)

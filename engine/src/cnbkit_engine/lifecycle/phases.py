"""The lifecycle's phases, each a process in a sandbox of its own.

Its `creator` would run all of them in one process, which holds the credentials for registries
while buildpacks run as the same user: any of them, and any setup.py they start, could read the
credentials in /proc. So the phases that run others' code get none, and where one of those has
run, nothing of it is alive when the next with credentials starts.
"""

from __future__ import annotations

import subprocess
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault
from cnbkit_engine.lifecycle.handover import (
    check_cache,
    document,
    hand_over,
    hand_over_bills,
    members,
    take_over,
)
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.registry.grant import Grant
from cnbkit_engine.sandbox.process_end import ProcessEnd

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from cnbkit_engine.lifecycle.output import Narrator
    from cnbkit_engine.lifecycle.phase_sandbox import PhaseSandboxes
    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.registry.server import Registry
    from cnbkit_engine.sandbox.sandbox import Sandbox

__all__ = ["BuildFailed", "Phases"]

# Where things are in the sandbox, as the lifecycle's options name them.
_APP = ("-app", "/workspace")
_LAYERS = ("-layers", "/layers")
_BUILDPACKS = ("-buildpacks", "/cnb/buildpacks")
_ORDER = ("-order", "/cnb/order.toml")
_PLATFORM = ("-platform", "/platform")
_CACHE = ("-cache-dir", "/cache")
_LAUNCHER = ("-launcher", "/cnb/lifecycle/launcher")
_UID = 1000  # the build image's user, and its group
_OWNER = ("-uid", str(_UID), "-gid", str(_UID))
_NOTHING = "/nonexistent"

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
    """The lifecycle's programs, run one after the other.

    Args:
        sandboxes: one for each phase, showing all it needs at the places its options name.
        registry: serves the run image, and an image that is not published.
        narrator: is told their lines.
        log: the file those lines go to, for whoever is told of a failure.
        image: what they export: a name in the store, or with `logins` a registry's reference.
        run_image: what they export it on, in the store.
        default_process: the process type the image starts; the buildpacks' choice if empty.
        insecure: hosts of registries to speak plain HTTP to.
        logins: Authorization headers for the registry that gets the image, by host; None if it
            stays in the store.
    """

    def __init__(
        self,
        sandboxes: PhaseSandboxes,
        registry: Registry,
        narrator: Narrator,
        log: Path,
        *,
        image: str,
        run_image: str,
        default_process: str,
        insecure: Iterable[str],
        logins: Mapping[str, str] | None,
    ) -> None:
        self._sandboxes = sandboxes
        self._registry = registry
        self._narrator = narrator
        self._log = log
        self._own = image
        served = f"{registry.host}/{Reference.parse(image).served}"
        self._image = served if logins is None else image
        self._run_image = run_image
        self._insecure = [option for host in insecure for option in ("-insecure-registry", host)]
        self._default = ["-process-type", default_process] if default_process else []
        self._logins = logins

    def run(self, space: Path, store: ImageStore, arch: str, *, first: bool, afresh: bool) -> Path:
        """Build; returns the folder that was the exporter's `/layers`.

        Args:
            space: this build's own folder.
            store: has the run image.
            arch: of the image.
            first: make layers ready in between, which is quicker where most are new.
            afresh: do not look at an earlier image of that name.

        Raises:
            BuildFailed: the lifecycle or a buildpack failed.
            BuildpackFault: the build left something in the lifecycle's way.
            PlatformFault: a registry failed or refused, or the sandbox; or the disk is full.
        """
        skip = ("-skip-layers",) if afresh else ()
        layers = [space / f"{name}-layers" for name in ("analyzer", "detector", "builder")]
        exported = space / "exporter-layers"
        for place in (*layers, exported):
            place.mkdir()
            # Layers hold the folder they lie in, whose mode would be by the person's umask.
            place.chmod(0o755)
        analyzed = self._analyze(layers[0], skip)
        group, plan = self._detect(layers[1], analyzed)
        known = {"analyzed.toml": analyzed, "group.toml": group}
        hand_over_bills(layers[0], layers[2])
        self._restore(layers[2], known, skip)
        self._build(layers[2], known | {"plan.toml": plan})
        taking_part = members(group, self._sandboxes.builder / "buildpacks")
        take_over(layers[2], exported, taking_part, known)
        with ExitStack() as stack:
            self._narrator.line("===> EXPORTING")
            repository = ""
            if first:
                from cnbkit_engine.lifecycle.prebuilt_layers import (
                    ReadyLayers,  # no rebuild waits for it
                )

                aside = space / "aside"
                aside.mkdir()
                ready = stack.enter_context(
                    ReadyLayers(
                        exported,
                        aside,
                        store,
                        self._registry.host,
                        group=taking_part,
                        analyzed=analyzed,
                        arch=arch,
                        uid=_UID,
                        gid=_UID,
                        alone=afresh,
                    )
                )
                self._narrator.ready = ready.layers
                repository = ready.repository
                hand_over(exported, {"analyzed.toml": ready.analyzed})
            self._export(exported, repository)
        return exported

    def _analyze(self, layers: Path, skip: tuple[str, ...]) -> bytes:
        self._narrator.line("===> ANALYZING")
        run_image = f"{self._registry.host}/{self._run_image}"
        with self._logged_in() as logins:
            self._run(
                self._sandboxes.analyzer(layers, logins), "analyzer", *_LAYERS, *_OWNER, *skip,
                "-run-image", run_image, *self._insecure, self._image,
            )  # fmt: skip
        return document(layers, "analyzed.toml")

    def _detect(self, layers: Path, analyzed: bytes) -> tuple[bytes, bytes]:
        self._narrator.line("===> DETECTING")
        hand_over(layers, {"analyzed.toml": analyzed})
        self._run(
            self._sandboxes.buildpacks(layers), "detector", *_APP, *_LAYERS, *_BUILDPACKS,
            *_ORDER, *_PLATFORM,
        )  # fmt: skip
        return document(layers, "group.toml"), document(layers, "plan.toml")

    def _restore(self, layers: Path, known: Mapping[str, bytes], skip: tuple[str, ...]) -> None:
        self._narrator.line("===> RESTORING")
        hand_over(layers, known)
        check_cache(self._sandboxes.cache)
        self._run(self._sandboxes.restorer(layers), "restorer", *_LAYERS, *_CACHE, *_OWNER, *skip)

    def _build(self, layers: Path, known: Mapping[str, bytes]) -> None:
        self._narrator.line("===> BUILDING")
        hand_over(layers, known)
        self._run(
            self._sandboxes.buildpacks(layers), "builder", *_APP, *_LAYERS, *_BUILDPACKS,
            *_PLATFORM,
        )  # fmt: skip

    def _export(self, layers: Path, ready: str) -> None:
        with self._logged_in(ready) as logins:
            self._run(
                self._sandboxes.exporter(layers, logins), "exporter", *_APP, *_LAYERS, *_CACHE,
                *_LAUNCHER, *_OWNER, "-parallel", "-extended", _NOTHING, *self._insecure,
                *self._default, self._image,
            )  # fmt: skip

    @contextmanager
    def _logged_in(self, ready: str = "") -> Iterator[Mapping[str, str]]:
        """Credentials that are good for as long as the block lasts.

        Args:
            ready: one more repository to read in the store.
        """
        reads = {Reference.parse(self._run_image).served_repository, ready} - {""}
        writes = Reference.parse(self._own).served_repository if self._logins is None else ""
        with self._registry.admitted(Grant(frozenset(reads), writes)) as header:
            yield {self._registry.host: header, **(self._logins or {})}

    def _run(self, sandbox: Sandbox, program: str, *arguments: str) -> None:
        with sandbox.popen(
            [f"/cnb/lifecycle/{program}", "-no-color", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as running:
            end = ProcessEnd(running.first_pid())
            assert running.process.stdout is not None
            for line in running.process.stdout:
                self._narrator.line(line.decode(errors="replace").rstrip("\n"))
            code = running.wait()
            # bubblewrap ends with the program, a moment before the kernel has ended what else
            # that had started.
            end.wait()
        if self._registry.fault:
            raise self._registry.fault
        if code:
            from cnbkit_engine.oci.errors import told_by_lifecycle

            fault = told_by_lifecycle(self._narrator.error, self._own)
            raise fault or BuildFailed(code, self._log)

"""The lifecycle's phases, each a process in a sandbox of its own.

Its `creator` would run all of them in one process, which holds the credentials for registries
while buildpacks run as the same user: any of them, and any setup.py they start, could read the
credentials in /proc. So the phases that run others' code get none, and where one of those has
run, nothing of it is alive when the next with credentials starts.
"""

from __future__ import annotations

import os
import tomllib
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from cnbkit_engine.lifecycle.failure import BuildFailed, told_of_disk
from cnbkit_engine.lifecycle.fetched import give_back, keep
from cnbkit_engine.lifecycle.handover import (
    check_cache,
    document,
    extensions_of,
    hand_over,
    hand_over_bills,
    members,
    take_over,
)
from cnbkit_engine.lifecycle.launch_layers import launch_layers
from cnbkit_engine.lifecycle.options import (
    UID,
    layers_folder,
)
from cnbkit_engine.lifecycle.phase_processes import PhaseProcesses
from cnbkit_engine.oci.layer import TIME
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.registry.grant import Grant
from cnbkit_engine.state.beneath import Folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from cnbkit_engine.lifecycle.outgoing import Outgoing
    from cnbkit_engine.lifecycle.output import Narrator
    from cnbkit_engine.lifecycle.phase_sandbox import PhaseSandboxes
    from cnbkit_engine.lifecycle.process import Process
    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.registry.server import Registry

    # Given the sandboxes, the folder with what extensions generated, their ids, and who is told
    # what commands print; returns the sandboxes with the extended images.
    Extend = Callable[[PhaseSandboxes, Path, Sequence[str], Callable[[str], None]], PhaseSandboxes]

__all__ = ["Phases"]


class Phases:
    """The lifecycle's programs, run one after the other.

    Args:
        sandboxes: one for each phase, showing all it needs at the places its options name.
        registry: serves the run image, and an image that is not published.
        narrator: is told their lines.
        log: the file those lines go to, for whoever is told of a failure.
        image: what they export: a name in the store, or with `logins` a registry's reference.
        run_image: what they export it on.
        stored: its repository in the store, to read; empty if another registry has it.
        default_process: the process type the image starts; the buildpacks' choice if empty.
        insecure: hosts of registries to speak plain HTTP to.
        logins: Authorization headers for the registry that gets the image, by host; None if it
            stays in the store.
        tags: more names for it, in the same registry.
        cache_image: what the cache is kept in, in a registry; its folder if empty.
        detect_output: let the detector print what buildpacks say, also where all goes well.
        extend: carries out what image extensions ask for; None if the builder has none.
        outgoing: publishes the image where the exporter must not; None if that may.
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
        stored: str,
        default_process: str,
        insecure: Iterable[str],
        logins: Mapping[str, str] | None,
        tags: Iterable[str] = (),
        cache_image: str = "",
        detect_output: bool = False,
        extend: Extend | None = None,
        outgoing: Outgoing | None = None,
    ) -> None:
        self._extend = extend
        self._outgoing = outgoing
        self._registry = registry
        self._narrator = narrator
        self._log = log
        self._own = image
        self._hosts = tuple(insecure)
        self._logins = logins
        self._reads = {stored} - {""}
        self._cache_image = cache_image
        served = f"{registry.host}/{Reference.parse(image).served}"
        self._processes = PhaseProcesses(
            sandboxes,
            image=served if logins is None else image,
            run_image=run_image,
            default_process=default_process,
            insecure=self._hosts,
            tags=tags,
            cache_image=cache_image,
            detect_output=detect_output,
        )

    def continue_from(self, name: str) -> None:
        """Use layers of another image than the one that has the name now.

        Args:
            name: as `image`: in the store, or in a registry.
        """
        reference = Reference.parse(name)
        if self._logins is None:
            self._reads.add(reference.served_repository)
            name = f"{self._registry.host}/{reference.served}"
        self._processes.previous = name

    def ignore_predecessor(self) -> None:
        """Do not look at the image that has the name now: not all of it is there."""
        reference = Reference.parse(self._own)
        # The analyzer opens the image of the name it is given, so it is given one that is free.
        self._processes.previous = f"{reference.repository}:none-{os.urandom(8).hex()}"

    def differ(self) -> None:
        """Export an image with another digest than one of the same contents would have.

        Of an image whose manifest the registry has, the exporter sends nothing at all, whatever
        of its blobs is gone. A second later, it is another image with the same layers.
        """
        created = self._processes.sandboxes.created
        self._processes.created_at(int(created or TIME) + 1)

    def run(self, space: Path, store: ImageStore, arch: str, *, afresh: bool) -> Path:
        """Build; returns the folder that was the exporter's `/layers`.

        Args:
            space: this build's own folder.
            store: has the run image.
            arch: of the image.
            afresh: do not look at an earlier image of that name.

        Raises:
            BuildFailed: the lifecycle or a buildpack failed.
            BuildpackFault: the build left something in the lifecycle's way.
            PlatformFault: a registry failed or refused, or the sandbox; or the disk is full.
        """
        exported = layers_folder(space, "exporter")
        analyzed, group, built = self._build(space, ("-skip-layers",) if afresh else ())
        taking_part = members(group, self._processes.sandboxes.builder / "buildpacks")
        take_over(built, exported, taking_part, {"analyzed.toml": analyzed, "group.toml": group})
        if self._processes.sandboxes.extended_run:
            hand_over(exported, {"analyzed.toml": _with_extended(analyzed)})
        with ExitStack() as stack:
            if self._outgoing:
                stack.enter_context(self._outgoing).expect(analyzed, alone=afresh)
            self._narrator.line("===> EXPORTING")
            repository = ""
            with Folder(exported) as folder:
                layers = launch_layers(folder, taking_part)
            # Those of an extended image would be made for the run image as it was.
            if layers and not self._processes.sandboxes.extended_run:
                # No rebuild waits for it that leaves all layers as they were.
                from cnbkit_engine.lifecycle.prebuilt_layers import ReadyLayers

                aside = space / "aside"
                aside.mkdir()
                ready = stack.enter_context(
                    ReadyLayers(
                        exported,
                        aside,
                        store,
                        self._registry,
                        layers,
                        analyzed=analyzed,
                        target=self._own,
                        arch=arch,
                        uid=UID,
                        gid=UID,
                        insecure=self._hosts,
                        alone=afresh,
                        outgoing=self._outgoing,
                        tell=self._narrator.progress,
                    )
                )
                self._narrator.ready = ready.layers
                repository = ready.repository
                hand_over(exported, {"analyzed.toml": ready.analyzed})
            self._export(exported, repository)
            if self._outgoing:
                self._narrator.digest = self._outgoing.publish()
        return exported

    def _build(self, space: Path, skip: tuple[str, ...]) -> tuple[bytes, bytes, Path]:
        """All phases before the exporter.

        Returns analyzed.toml, group.toml, and what was the builder's `/layers`.
        """
        cache = self._processes.sandboxes.cache.parent
        analyzing, detecting, building = (
            layers_folder(space, name) for name in ("analyzer", "detector", "builder")
        )
        with ExitStack() as stack:
            with self._logged_in() as logins:
                analyzer = stack.enter_context(self._processes.analyzer(analyzing, logins, skip))
                # They are started while the analyzer waits for the registry, and wait themselves:
                # none runs a buildpack before it has been given its first document.
                started = [
                    stack.enter_context(process)
                    for process in self._waiting(detecting, building, skip)
                ]
                self._finish("ANALYZING", analyzer)
            analyzed = document(analyzing, "analyzed.toml")
            if not started:
                started = self._extended(detecting, building, skip, analyzed, stack)
            else:
                self._finish("DETECTING", started.pop(0), analyzed)
            builder, *early = started
            group = document(detecting, "group.toml")
            known = {"analyzed.toml": analyzed, "plan.toml": document(detecting, "plan.toml")}
            hand_over_bills(analyzing, building)
            hand_over(building, known)
            with ExitStack() as late:
                if not early:
                    # It has logins, so it is started when nothing of the detector is alive.
                    logins = late.enter_context(self._logged_in())
                    early = [late.enter_context(self._processes.restorer(building, skip, logins))]
                else:
                    check_cache(self._processes.sandboxes.cache)
                self._finish("RESTORING", early[0], group)
            hand_over(building, known)  # the restorer writes analyzed.toml anew
            if give_back(cache, building):
                self._narrator.line("What the last build has fetched before it failed is there.")
            try:
                self._finish("BUILDING", builder, group)
            except BuildFailed:
                if keep(building, cache):
                    self._narrator.line("What was fetched is kept for the next build.")
                raise
        return analyzed, group, building

    def _extended(
        self,
        detecting: Path,
        building: Path,
        skip: tuple[str, ...],
        analyzed: bytes,
        stack: ExitStack,
    ) -> list[Process]:
        """Detect, and extend the images; the builder, and as in `_waiting` the restorer."""
        assert self._extend
        hand_over(detecting, {"analyzed.toml": analyzed})
        detector = self._processes.detector(detecting, extensions=True)
        self._finish("DETECTING", stack.enter_context(detector))
        folder = self._processes.sandboxes.builder / "extensions"
        extensions = extensions_of(document(detecting, "group.toml"), folder)
        if extensions:
            # What the generator wrote of the run image is not read: others' code ran beside it.
            self._processes.sandboxes = self._extend(
                self._processes.sandboxes,
                detecting / "generated",
                extensions,
                self._narrator.line,
            )
        return [stack.enter_context(each) for each in self._behind(building, skip)]

    def _waiting(self, detecting: Path, building: Path, skip: tuple[str, ...]) -> Iterator[Process]:
        """The detector, the builder, and unless it asks a registry the restorer.

        None of them if images may be extended in between: then the detector writes what it reads.
        """
        if self._extend:
            return
        yield self._processes.detector(detecting)
        yield from self._behind(building, skip)

    def _behind(self, building: Path, skip: tuple[str, ...]) -> Iterator[Process]:
        yield self._processes.builder(building)
        if not self._cache_image:
            yield self._processes.restorer(building, skip)

    def _export(self, layers: Path, ready: str) -> None:
        with (
            self._logged_in(ready) as logins,
            self._processes.exporter(
                layers, logins, self._outgoing.place if self._outgoing else ""
            ) as exporter,
        ):
            self._finish("", exporter)

    @contextmanager
    def _logged_in(self, ready: str = "") -> Iterator[Mapping[str, str]]:
        """Credentials that are good for as long as the block lasts.

        Args:
            ready: one more repository to read in the store.
        """
        reads = self._reads | {ready} - {""}
        writes = Reference.parse(self._own).served_repository if self._logins is None else ""
        if self._outgoing:
            writes = self._outgoing.repository
        with self._registry.admitted(Grant(frozenset(reads), writes)) as header:
            yield {self._registry.host: header, **(self._logins or {})}

    def _finish(self, title: str, process: Process, first: bytes = b"") -> None:
        if title:
            self._narrator.line(f"===> {title}")
        code = process.finish(self._narrator.line, first)
        if self._registry.fault:
            raise self._registry.fault
        if code:
            from cnbkit_engine.oci.errors import told_by_lifecycle

            fault = told_by_lifecycle(self._narrator.error, self._own) or told_of_disk(
                self._narrator.error, self._processes.sandboxes
            )
            raise fault or BuildFailed(code, self._log, told=self._narrator.told)


def _with_extended(analyzed: bytes) -> bytes:
    """analyzed.toml that says that the run image has been extended."""
    from cnbkit.spec.toml import encode

    document = tomllib.loads(analyzed.decode())
    document.setdefault("run-image", {})["extend"] = True
    return encode(document).encode()

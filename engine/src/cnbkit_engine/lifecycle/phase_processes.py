"""The process of each of the lifecycle's phases: its sandbox and its options."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from cnbkit_engine.lifecycle.options import (
    APP,
    BUILDPACKS,
    CACHE,
    DETECTOR,
    EXTENSIONS,
    LAUNCHER,
    LAYERS,
    NOTHING,
    OWNER,
    PLATFORM,
)
from cnbkit_engine.lifecycle.phase_sandbox import EXTENDED
from cnbkit_engine.lifecycle.process import STDIN, Process

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from cnbkit_engine.lifecycle.phase_sandbox import PhaseSandboxes

__all__ = ["PhaseProcesses"]


class PhaseProcesses:
    """Starts them.

    Args:
        sandboxes: one for each phase, showing all it needs at the places its options name.
        image: what is exported, as the lifecycle is to be told.
        run_image: what it is exported on.
        default_process: the process type the image starts; the buildpacks' choice if empty.
        insecure: hosts of registries to speak plain HTTP to.
        tags: more names for the image.
        cache_image: what the cache is kept in, in a registry; its folder if empty.
        detect_output: let the detector print what buildpacks say, also where all goes well.

    Attributes:
        sandboxes: those; others where images have been extended.
        previous: the image whose layers are used again; the one that has the name if empty.
    """

    def __init__(
        self,
        sandboxes: PhaseSandboxes,
        *,
        image: str,
        run_image: str,
        default_process: str,
        insecure: Iterable[str],
        tags: Iterable[str],
        cache_image: str,
        detect_output: bool,
    ) -> None:
        self.sandboxes = sandboxes
        self.previous = ""
        self._image = image
        self._run_image = run_image
        self._default = ["-process-type", default_process] if default_process else []
        self._insecure = [option for host in insecure for option in ("-insecure-registry", host)]
        self._tags = tuple(tags)
        self._cache_image = cache_image
        self._cache = ("-cache-image", cache_image) if cache_image else CACHE
        self._detector = ["-log-level", "debug"] if detect_output else []

    def created_at(self, seconds: int) -> None:
        """Have the image say that it was made at another time.

        Args:
            seconds: since 1970.
        """
        self.sandboxes = dataclasses.replace(self.sandboxes, created=str(seconds))

    def analyzer(self, layers: Path, logins: Mapping[str, str], skip: tuple[str, ...]) -> Process:
        """Looks for the run image, and for the layers of the earlier image."""
        previous = ("-previous-image", self.previous) if self.previous else ()
        return Process(
            self.sandboxes.analyzer(layers, logins), "analyzer", *LAYERS, *OWNER, *skip,
            *previous, "-run-image", self._run_image, *self._insecure,
            *(self._cache if self._cache_image else ()),
            *(f"-tag={tag}" for tag in self._tags), self._image,
        )  # fmt: skip

    def detector(self, layers: Path, *, extensions: bool = False) -> Process:
        """Runs bin/detect of the buildpacks.

        Args:
            layers: its `/layers`.
            extensions: run those of image extensions too, and read analyzed.toml there instead of
                waiting for it.
        """
        analyzed = EXTENSIONS if extensions else ("-analyzed", STDIN)
        return Process(
            self.sandboxes.buildpacks(layers), "detector", *self._detector, *analyzed, *DETECTOR
        )

    def builder(self, layers: Path) -> Process:
        """Runs bin/build of the group, when it is told which."""
        return Process(
            self.sandboxes.buildpacks(layers), "builder", "-group", STDIN, *APP, *LAYERS,
            *BUILDPACKS, *PLATFORM,
        )  # fmt: skip

    def restorer(
        self, layers: Path, skip: tuple[str, ...], logins: Mapping[str, str] | None = None
    ) -> Process:
        """Puts layers of the cache in place, when it is told the group.

        Args:
            layers: its `/layers`.
            skip: options for a build that uses no earlier layers.
            logins: for a cache in a registry; None for a folder.
        """
        return Process(
            self.sandboxes.restorer(layers, logins), "restorer", "-group", STDIN, *LAYERS,
            *self._cache, *OWNER, *skip, *(self._insecure if logins else ()),
        )  # fmt: skip

    def exporter(self, layers: Path, logins: Mapping[str, str], place: str = "") -> Process:
        """Makes the image.

        Args:
            layers: its `/layers`.
            logins: for the registries it reads and writes.
            place: where it leaves the image, instead of under its names.
        """
        names = (place,) if place else (self._image, *self._tags)
        return Process(
            self.sandboxes.exporter(layers, logins), "exporter", *APP, *LAYERS, *self._cache,
            *LAUNCHER, *OWNER, "-parallel", "-extended",
            EXTENDED if self.sandboxes.extended_run else NOTHING, *self._insecure,
            *self._default, *names,
        )  # fmt: skip

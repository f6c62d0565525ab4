"""Image extensions of a build: what they generated is applied to the build and the run image."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cnbkit.errors import BuildpackFault
from cnbkit_engine.extend.extender import Extender
from cnbkit_engine.extend.request import requests
from cnbkit_engine.lifecycle.phase_sandbox import PROXIES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cnbkit_engine.extend.request import Request
    from cnbkit_engine.lifecycle.phase_sandbox import PhaseSandboxes
    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.state.home import Home
    from cnbkit_engine.state.locks import Held

__all__ = ["ExtendedImages"]

_BASE = ("${base_image}", "$base_image")


@dataclass(frozen=True)
class ExtendedImages:
    """Makes them, for the phases.

    Args:
        home: where they are kept.
        store: has the run image.
        root: the build image as a folder.
        run_image: has the run image in the store, and returns its name there.
        network: of the commands.
        fresh: use nothing that was kept.
        held: gets to know what is used.
        show: prints a line.
    """

    home: Home
    store: ImageStore
    root: Path
    run_image: Callable[[], str]
    network: str
    fresh: bool
    held: Held
    show: Callable[[str], None]

    def __call__(
        self,
        sandboxes: PhaseSandboxes,
        generated: Path,
        extensions: Sequence[str],
        say: Callable[[str], None],
    ) -> PhaseSandboxes:
        """See `lifecycle.phases.Extend`.

        Raises:
            BuildpackFault: a Dockerfile is wrong, or a command of it fails.
            PlatformFault: this machine has no user ids to give, or the run image cannot be had.
        """
        app = sandboxes.space / "workspace"
        for_build = requests(generated, extensions, "build", app)
        for_run = requests(generated, extensions, "run", app)
        _refuse_switches([*for_build, *for_run])
        proxies = {name: os.environ[name] for name in PROXIES if name in os.environ}
        extender = Extender(
            self.home,
            self.store,
            self.root,
            self.network,
            proxies,
            self.show,
            say,
            self.held,
            self.fresh,
        )
        if for_build:
            root, env = extender.build(for_build)
            sandboxes = replace(sandboxes, extended_root=root, extended_env=env)
        if for_run:
            extended = extender.run(for_run, self.run_image())
            sandboxes = replace(sandboxes, extended_run=extended)
        return sandboxes


def _refuse_switches(found: Sequence[Request]) -> None:
    for request in found:
        for number, line in enumerate(request.dockerfile.splitlines(), 1):
            words = line.split()
            if words[:1] and words[0].upper() == "FROM" and words[1:2] not in ([b] for b in _BASE):
                raise BuildpackFault(
                    f"the extension switches to another image: {' '.join(words[1:])}",
                    where=f"{request.where}:{number}",
                    remedy="name that one by --run-image; or build with --engine pack",
                )

"""What a build would do, as far as it is settled before anything is installed.

The lifecycle's own detector is run, in the sandbox and on the copy of the app that a build has;
so the buildpacks that join here are those that a build has. Then its builder, with buildpacks that
decide and contribute nothing.
"""

from __future__ import annotations

import os
import tomllib
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.build.app_files import AppFiles
from cnbkit_engine.build.app_space import laid_out
from cnbkit_engine.build.base_choice import choose_base
from cnbkit_engine.build.build import prepare
from cnbkit_engine.build.conventions import unused
from cnbkit_engine.build.decided import Decided, decided, last_build
from cnbkit_engine.build.project_order import builder_for
from cnbkit_engine.build.sandboxes import phase_sandboxes
from cnbkit_engine.build.verdict import judged
from cnbkit_engine.lifecycle.detect import analyzed_for, detect
from cnbkit_engine.lifecycle.failure import BuildFailed
from cnbkit_engine.lifecycle.output import Narrator
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.sandbox.network import network_for
from cnbkit_engine.state.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from cnbkit_engine.lifecycle.detection import Trial
    from cnbkit_engine.sandbox.sandbox import Bind
    from cnbkit_engine.state.home import Home

__all__ = ["Joined", "Plan", "Planning", "Provided"]

# Where the store's registry would be. Nobody asks it: the detector speaks to none.
_HOST, _ADDRESS = "store.localhost:0", "127.0.0.1"


@dataclass(frozen=True)
class Joined:
    """A buildpack, and why it takes part or does not.

    Args:
        id: its id.
        version: its version.
        reason: in its own words, or the plan's; empty if it gives none.
        says: what else it says when it is asked, a line each.
    """

    id: str
    version: str
    reason: str
    says: tuple[str, ...] = ()


@dataclass(frozen=True)
class Provided:
    """An entry of the build plan.

    Args:
        name: what it is.
        providers: ids of the buildpacks that provide it.
        requires: the metadata of each requirement of it.
    """

    name: str
    providers: tuple[str, ...]
    requires: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Plan:
    """What a build would do.

    Args:
        group: the buildpacks that take part, in their order.
        left_out: those of the same group of the order that do not.
        entries: the build plan.
        decisions: what each of the group decides.
        notes: what a build says before its buildpacks do.
        tried: how many groups of the order were tried, this one included.
    """

    group: tuple[Joined, ...]
    left_out: tuple[Joined, ...]
    entries: tuple[Provided, ...]
    decisions: tuple[Decided, ...]
    notes: tuple[str, ...]
    tried: int


@dataclass(frozen=True)
class Planning:
    """What to plan; what is not described here is as for `Build`.

    Args:
        app: the app's folder.
        name: the image's name: what is there of its last build counts.
        builder: path of builder.toml.
        env: build-time variables.
        volumes: files and folders of the host to show to the buildpacks.
        exec_env: what the image would be for.
        arch: what it would be for.
        base: what it would stand on.
        network: of the buildpacks.
        resolve: whether buildpacks may ask indexes.
        verbose: show the detector's output if no group fits.
        show: prints a line that is not part of the plan.
    """

    app: Path
    name: str
    builder: Path
    env: Mapping[str, str] = field(default_factory=dict)
    volumes: tuple[Bind, ...] = ()
    exec_env: str = ""
    arch: str = ""
    base: str = ""
    network: str = ""
    resolve: bool = True
    verbose: bool = False
    show: Callable[[str], None] = print

    def run(self, home: Home) -> Plan:
        """Ask the buildpacks.

        Raises:
            BuildFailed: no group fits, or a buildpack failed.
            UserFault: the app's folder is not one.
            PlatformFault: the host lacks something, or the disk is full.
        """
        files = AppFiles(self.app)
        store = ImageStore(home.images)
        builder = builder_for(home, self.builder, files.project)
        env = {**files.variables, **self.env}
        suite = choose_base(self.base, self.app, env, self.builder).suite
        kit = prepare(home, store, builder, self.show, self.arch, suite)
        arch = self.arch or machine_architecture()
        platform = f"linux/{arch}"
        last = last_build(home, store, self.name, arch, self.env.get("BP_HARDWARE", ""))
        analyzed = analyzed_for(Image.from_store(store, kit.run_image, platform), kit.run_image)
        notes: list[str] = []
        with ExitStack() as stack:
            network = stack.enter_context(network_for(self.network, os.environ, self.show))
            space = stack.enter_context(Workspace(home.tmp, background=True))
            copied = laid_out(
                space, self.app, files, self.env, kit.builder, notes.append, exec_env=self.exec_env
            )
            others = list(unused(copied.paths, kit.builder))
            notes += others
            sandboxes = phase_sandboxes(
                home,
                kit,
                space,
                cache=space,
                volumes=self.volumes,
                store=(_HOST, _ADDRESS),
                exec_env=self.exec_env,
                network=network,
            )
            # Two plans at once have one each; the last one's stays.
            log, kept = space / "plan.log", home.root / "plan.log"
            file = stack.enter_context(log.open("w", encoding="utf-8"))
            stack.callback(os.replace, log, kept)
            narrator = Narrator(self.show, file, verbose=False, notes=others)
            try:
                group, plan = detect(sandboxes, narrator, log, space, analyzed)
                file.flush()
                decisions = decided(
                    sandboxes,
                    log,
                    {"group.toml": group, "plan.toml": plan, "analyzed.toml": analyzed},
                    last,
                    resolve=self.resolve,
                    tell=self.show,
                )
            except BuildFailed as failed:
                if self.verbose:
                    file.flush()
                    self.show(log.read_text(encoding="utf-8").rstrip())
                failed.log = kept
                raise judged(
                    failed, narrator.detection, self.app, copied.paths, kit.builder
                ) from None
        trials = narrator.detection.trials
        trial = trials[-1]
        found = [f"{each['id']}@{each['version']}" for each in _tables(group, "group")]
        entries = map(_provided, _tables(plan, "entries"))
        return Plan(
            group=tuple(_joined(trial, name) for name in found),
            left_out=tuple(
                _joined(trial, name, left_out=True) for name in trial.states if name not in found
            ),
            # The lifecycle writes them in another order each time.
            entries=tuple(sorted(entries, key=lambda each: (each.name, each.providers))),
            decisions=decisions,
            notes=tuple(notes),
            tried=len(trials),
        )


def _tables(data: bytes, name: str) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = tomllib.loads(data.decode()).get(name, [])
    return found


def _joined(trial: Trial, name: str, *, left_out: bool = False) -> Joined:
    identity, _, version = name.partition("@")
    reason = trial.answer(name).partition(": ")[2]
    if left_out:
        # Who takes part may have asked for more in an alternative that did not come out.
        reason = next(
            (str(each) for each in reversed(trial.unmet) if each.buildpack == name), reason
        )
    return Joined(identity, version, reason, tuple(trial.said(name)))


def _provided(entry: Mapping[str, Any]) -> Provided:
    requires = entry.get("requires", [])
    return Provided(
        name=requires[0]["name"] if requires else "",
        providers=tuple(dict.fromkeys(each["id"] for each in entry.get("providers", []))),
        requires=tuple(each.get("metadata", {}) for each in requires),
    )

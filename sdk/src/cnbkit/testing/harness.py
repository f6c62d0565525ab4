"""Runs a buildpack's detect and build in this process, as the lifecycle calls them.

Working directory, environment, platform directory and layers are the lifecycle's; what a build
restores is `cnbkit.testing._restore`'s; commands may be fake (`cnbkit.testing.commands`).
"""

from __future__ import annotations

import dataclasses
import io
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING

from cnbkit.results import DetectResult
from cnbkit.runtime import DRY_RUN, NOT_DETECTED, guarded
from cnbkit.spec.build_plan import BuildpackPlan, Entry, Plan
from cnbkit.spec.buildpack import BuildpackDescriptor
from cnbkit.spec.target import Target
from cnbkit.testing._restore import restore
from cnbkit.testing.commands import FakeCommands
from cnbkit.testing.export import check_export
from cnbkit.testing.inputs import AppFiles, Inputs, write_files
from cnbkit.testing.observed import Observed, observed
from cnbkit.testing.phase_process import (
    Copied,
    as_process,
    exec_env_variables,
    target_variables,
    user_env,
)
from cnbkit.testing.result import Result
from cnbkit.testing.result_layer import Place
from cnbkit.testing.source import Source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from cnbkit.buildpack import Buildpack
    from cnbkit.testing.commands import Reply
    from cnbkit.testing.inputs import Files
    from cnbkit.testing.source import Named

__all__ = ["BuildpackRun"]


class BuildpackRun:
    """Runs buildpacks on apps: the fixture `buildpack_run`.

    Args:
        root: an empty directory; each call works in one of its own below.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._calls = 0

    def __call__(
        self,
        buildpack: Named | Source,
        *,
        app: Files | Path | str | None = None,
        env: Mapping[str, str] | None = None,
        bindings: Mapping[str, Mapping[str, str]] | None = None,
        target: Target | None = None,
        plan: Sequence[str | Entry] | None = None,
        exec_env: str = "production",
        commands: Mapping[str, Reply] | None = None,
        phases: Sequence[str] = ("detect", "build"),
    ) -> Result:
        """Run detect and, if it joins, build, for the first time on this app.

        An image extension generates instead; see `Result.dockerfiles`.

        Args:
            buildpack: its class; or its folder, which may be that of any buildpack, in whatever
                language. A class without a buildpack.toml nearby gets one.
            app: the app's files, by name; or a folder, which is copied.
            env: variables the user set, BP_* for instance.
            bindings: service bindings: name → entry → contents.
            target: what is built for; Linux on amd64 if not given.
            plan: what other buildpacks require of this one, by name or as entries with
                metadata; what it requires of itself if not given.
            exec_env: the execution environment; a buildpack that its descriptor declares for
                others is not asked at all.
            commands: fake commands; see `FakeCommands`.
            phases: what to run: `["detect"]` leaves build out; `["detect", "decide"]` asks what
                the build would do, as `cnbkit plan` does (`Result.decision`).
        """
        self._calls += 1
        inputs = Inputs(
            app=AppFiles.of(app or {}),
            env=env or {},
            bindings=bindings or {},
            target=target or Target(),
            plan=plan,
            exec_env=exec_env,
            commands=commands or {},
        )
        return _App(self._root / str(self._calls), phases).run(buildpack, inputs)


class _App:
    """One app, built again and again in the same directory."""

    def __init__(self, root: Path, phases: Sequence[str]) -> None:
        self._root = root
        self._phases = phases
        self._official = root / "now"
        self._occupant: Place | None = None
        self._moved = 0

    def run(
        self,
        buildpack: Named | Source,
        inputs: Inputs,
        previous: Result | None = None,
        *,
        image: bool = True,
        cache: bool = True,
        phases: Sequence[str] | None = None,
    ) -> Result:
        """Build, with what is restored from the previous build."""
        self._make_room()
        phases = self._phases if phases is None else phases
        place = self._occupant = Place(self._official, self._official)
        source = (
            buildpack
            if isinstance(buildpack, Source)
            else Source.of(buildpack, self._official / "buildpack")
        )
        layers_name = source.info.id.replace("/", "_")
        layers = self._official / "layers" / layers_name
        layers.parent.mkdir(parents=True)
        if previous:
            restore(previous.layers_dir, layers, image=image, cache=cache)
        layers.mkdir(exist_ok=True)
        restored = frozenset(each.name for each in layers.iterdir())
        in_image = previous.filled() if previous and image else {}
        platform = self._platform(inputs)
        inputs.app.write(self._official / "app")
        commands = FakeCommands(self._official / "commands", inputs.commands)
        env = user_env(
            self._official / "home", {} if source.info.clear_env else inputs.env, commands.path
        )
        given = {
            f"CNB_{'EXTENSION' if source.extension else 'BUILDPACK'}_DIR": str(source.folder),
            "CNB_PLATFORM_DIR": str(platform),
            **target_variables(inputs.target),
        }
        exec_env = exec_env_variables(source, inputs)
        seen = observed(source)
        log = io.StringIO()
        out, err = Copied(log), Copied(log)
        code = 0
        with commands.answering(), redirect_stdout(out), redirect_stderr(err):
            if not source.descriptor.runs_in(inputs.exec_env):
                # The lifecycle passes over it without a word.
                seen.answer = DetectResult(False, f"it is not for {inputs.exec_env}")
                code = NOT_DETECTED
            elif "detect" in phases:
                code = self._detect(seen, {**env, **given, **exec_env})
                self._tell_folders(source.buildpack, code)
            if not code and source.extension and "build" in phases:
                code = self._generate(seen, {**env, **given}, inputs, layers)
            elif not code and "decide" in phases:
                (platform / DRY_RUN).write_text('{"resolve": true}', encoding="utf-8")
                code = self._build(seen, {**env, **given, **exec_env}, inputs, layers)
            elif not code and "build" in phases:
                code = self._build(seen, {**env, **given, **exec_env}, inputs, layers)
                if not code and isinstance(source.descriptor, BuildpackDescriptor):
                    seen.fault = check_export(layers, in_image, source.descriptor)
                    code = seen.fault.exit_code if seen.fault else 0
        print(log.getvalue(), end="")
        return Result(
            place=place,
            layers_name=layers_name,
            code=code,
            exec_env=inputs.exec_env,
            log=log.getvalue(),
            stdout=out.getvalue(),
            stderr=err.getvalue(),
            fault=seen.fault,
            answer=seen.answer,
            opened=seen.context.opened if seen.context else [],
            commands=commands.calls,
            restored=restored,
            previous=previous,
            again=lambda result, **changes: self._again(buildpack, inputs, result, **changes),
        )

    def _again(
        self,
        old: Named | Source,
        inputs: Inputs,
        result: Result,
        *,
        app: Files | Path | str | None,
        env: Mapping[str, str | None] | None,
        commands: Mapping[str, Reply] | None,
        buildpack: Named | None,
        image: bool,
        cache: bool,
        phases: Sequence[str] | None,
        **changes: object,
    ) -> Result:
        variables = {**inputs.env, **(env or {})}
        given = {name: value for name, value in changes.items() if value is not None}
        inputs = dataclasses.replace(
            inputs,
            app=inputs.app.changed(app),
            env={name: value for name, value in variables.items() if value is not None},
            commands={**inputs.commands, **(commands or {})},
            **given,  # type: ignore[arg-type]
        )
        # A build that failed left no image and no cache: those of the one before are still there.
        last: Result | None = result
        while last and (last.code or not last.detected):
            last = last.previous
        return self.run(buildpack or old, inputs, last, image=image, cache=cache, phases=phases)

    def _make_room(self) -> None:
        if self._occupant:
            self._moved += 1
            self._occupant.actual = self._root / f"before-{self._moved}"
            self._official.rename(self._occupant.actual)
        self._official.mkdir(parents=True)

    def _platform(self, inputs: Inputs) -> Path:
        platform = self._official / "platform"
        (platform / "env").mkdir(parents=True)
        write_files(platform / "env", inputs.env)
        for name, entries in inputs.bindings.items():
            write_files(platform / "bindings" / name, entries)
        return platform

    def _tell_folders(self, buildpack: Buildpack, code: int) -> None:
        """Say in the log of a test what no build would: a trigger that can never be found."""
        for name in buildpack.triggers.files if code == NOT_DETECTED else ():
            if (self._official / "app" / name).is_dir():
                print(f"  {name} is a folder of the app, and triggers name files")

    def _detect(self, buildpack: Observed, env: Mapping[str, str]) -> int:
        plan = self._official / "plan.toml"
        plan.touch(0o600)
        return self._phase(buildpack, "detect", {**env, "CNB_BUILD_PLAN_PATH": str(plan)})

    def _build(
        self, buildpack: Observed, env: Mapping[str, str], inputs: Inputs, layers: Path
    ) -> int:
        plan = {"CNB_BP_PLAN_PATH": self._plan(buildpack, inputs)}
        return self._phase(buildpack, "build", {**env, **plan, "CNB_LAYERS_DIR": str(layers)})

    def _generate(
        self, buildpack: Observed, env: Mapping[str, str], inputs: Inputs, output: Path
    ) -> int:
        plan = {"CNB_BP_PLAN_PATH": self._plan(buildpack, inputs)}
        return self._phase(buildpack, "generate", {**env, **plan, "CNB_OUTPUT_DIR": str(output)})

    def _plan(self, buildpack: Observed, inputs: Inputs) -> str:
        path = self._official / "buildpack-plan.toml"
        entries = inputs.entries()
        if entries is None:
            entries = _own(buildpack.answer.plan if buildpack.answer else None)
        path.write_text(BuildpackPlan(entries=entries).dumps(), encoding="utf-8")
        return str(path)

    def _phase(self, buildpack: Observed, phase: str, env: Mapping[str, str]) -> int:
        arguments = {
            "detect": ("CNB_PLATFORM_DIR", "CNB_BUILD_PLAN_PATH"),
            "build": ("CNB_LAYERS_DIR", "CNB_PLATFORM_DIR", "CNB_BP_PLAN_PATH"),
            "generate": ("CNB_OUTPUT_DIR", "CNB_PLATFORM_DIR", "CNB_BP_PLAN_PATH"),
        }[phase]
        with as_process(env, self._official / "app"), buildpack.source.importing():
            return guarded(buildpack, phase, env, [env[name] for name in arguments], "")


def _own(plan: Plan | None) -> list[Entry]:
    """What a buildpack requires of itself, with the first of its options."""
    if plan is None:
        return []
    document = plan.document()
    provided = {provide.name for provide in document.provides}
    return [
        Entry(name=require.name, metadata=require.metadata)
        for require in document.requires
        if require.name in provided
    ]

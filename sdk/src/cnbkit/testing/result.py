"""What one run of a buildpack's phases came to."""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cnbkit.dry_run import DECISION
from cnbkit.layer.env import LayerEnv
from cnbkit.spec.launch import Build, Launch, Process
from cnbkit.testing.result_layer import Place, ResultLayer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from cnbkit.errors import CnbkitError
    from cnbkit.layer.open_layer import OpenLayer
    from cnbkit.results import DetectResult
    from cnbkit.spec.build_plan import Entry, Plan
    from cnbkit.spec.target import Target
    from cnbkit.testing.commands import Call, Reply
    from cnbkit.testing.inputs import Files
    from cnbkit.testing.source import Named

__all__ = ["BASE_PATH", "Place", "Result", "ResultLayer"]

BASE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NOT_LAYERS = ("build", "launch", "store")


@dataclass(frozen=True)
class Result:
    """What detect and, if it joined, build did.

    Attributes:
        code: the exit status of the last phase that ran.
        exec_env: the execution environment it ran for.
        log: what both phases printed.
        stdout: what of it went to stdout.
        stderr: what of it went to stderr, such as warnings.
        fault: what went wrong.
        opened: the layers the build opened, as its author sees them.
        commands: every call of a fake command, in order.
        restored: names of what was in the layers directory when the build began.
        previous: the build whose image and cache this one found.
    """

    place: Place
    layers_name: str
    code: int
    exec_env: str
    log: str
    stdout: str
    stderr: str
    fault: CnbkitError | None
    answer: DetectResult | None
    opened: Sequence[OpenLayer]
    commands: Sequence[Call]
    restored: frozenset[str]
    previous: Result | None = field(repr=False)
    again: Callable[..., Result] = field(repr=False)

    @property
    def detected(self) -> bool:
        """Whether the buildpack joined."""
        return self.answer is not None and self.answer.joins

    @property
    def reason(self) -> str:
        """Why it joined or did not, in its words."""
        return self.answer.reason if self.answer else ""

    @property
    def plan(self) -> Plan | None:
        """What it provides and requires."""
        return self.answer.plan if self.answer else None

    @property
    def app(self) -> Path:
        """The app's directory."""
        return self.place.actual / "app"

    @property
    def layers_dir(self) -> Path:
        """The layers directory; of an image extension, what it generated into."""
        return self.place.actual / "layers" / self.layers_name

    @property
    def layers(self) -> list[str]:
        """Names of all layers, sorted."""
        names = (toml.stem for toml in self.layers_dir.glob("*.toml"))
        return sorted(name for name in names if name not in _NOT_LAYERS)

    def layer(self, name: str) -> ResultLayer:
        """One layer.

        Raises:
            LookupError: there is none; says what the build printed.
        """
        toml = self.layers_dir / f"{name}.toml"
        if not toml.exists():
            raise LookupError(f"no layer {name!r} among {self.layers}; the log was:\n{self.log}")
        table = tomllib.loads(toml.read_text(encoding="utf-8"))
        opened = [each for each in self.opened if each.layer.name == name]
        state, why = (opened[-1].state, list(opened[-1].why)) if opened else ("rebuild", [])
        return ResultLayer(name, state, why, table, self._contents(name))

    def in_image(self) -> list[str]:
        """Names of the layers that are in the image."""
        return [name for name in self.layers if "launch" in self._types(name)]

    def filled(self) -> dict[str, bool]:
        """The layers that are in the image, and whether each has contents."""
        return {
            name: (path := self._contents(name)).is_dir() and any(path.iterdir())
            for name in self.in_image()
        }

    def _contents(self, name: str) -> Path:
        """Where a layer's files are: a reused layer's are in the build before, as in its image."""
        here = self.layers_dir / name
        return here if here.exists() or not self.previous else self.previous._contents(name)

    @property
    def decision(self) -> dict[str, Any]:
        """What `decide` came to, as `cnbkit plan --json` has it; empty if it was not asked.

        Asked for by `phases=["detect", "decide"]`.
        """
        path = self.layers_dir / DECISION
        found: dict[str, Any] = (
            json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        )
        return found

    def _launch(self) -> Launch:
        path = self.layers_dir / "launch.toml"
        return Launch.loads(path.read_bytes()) if path.exists() else Launch()

    @property
    def processes(self) -> dict[str, Process]:
        """What the image can start, by type."""
        return {process.type: process for process in self._launch().processes}

    @property
    def startable(self) -> dict[str, Process]:
        """Those of them that the launcher starts in the execution environment of this build."""
        return {name: each for name, each in self.processes.items() if each.runs_in(self.exec_env)}

    @property
    def labels(self) -> dict[str, str]:
        """Labels of the image."""
        return {label.key: label.value for label in self._launch().labels}

    @property
    def slices(self) -> list[list[str]]:
        """Patterns of app files with layers of their own."""
        return [part.paths for part in self._launch().slices]

    @property
    def unmet(self) -> list[str]:
        """Plan entries left to a later buildpack."""
        path = self.layers_dir / "build.toml"
        result = Build.loads(path.read_bytes()) if path.exists() else Build()
        return [unmet.name for unmet in result.unmet]

    @property
    def store(self) -> dict[str, Any]:
        """What store.toml holds."""
        path = self.layers_dir / "store.toml"
        table = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return dict(table.get("metadata", {}))

    def sbom(self, of: str = "launch") -> dict[str, bytes]:
        """SBOM files by format, like `cdx.json`.

        Args:
            of: a layer's name, "launch" or "build".
        """
        paths = self.layers_dir.glob(f"{of}.sbom.*")
        return {path.name.removeprefix(f"{of}.sbom."): path.read_bytes() for path in paths}

    @property
    def dockerfiles(self) -> dict[str, str]:
        """What an image extension generated: "build" and "run" → the Dockerfile."""
        paths = self.layers_dir.glob("*.Dockerfile")
        return {path.stem: path.read_text(encoding="utf-8") for path in paths}

    @property
    def dockerfile_args(self) -> dict[str, dict[str, str]]:
        """Values for the Dockerfiles' ARGs, by "build" and "run"."""
        path = self.layers_dir / "extend-config.toml"
        table = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return {
            kind: {each["name"]: each["value"] for each in config.get("args", [])}
            for kind, config in table.items()
        }

    def launch_env(self, process: str = "", env: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment a process of the image starts with, as the launcher makes it.

        What exec.d programs add is not in it.

        Args:
            process: its type.
            env: what was there before; a PATH if not given.
        """
        result = dict(env or {"PATH": BASE_PATH})
        folders = [self._contents(name) for name in self.in_image()]
        for folder in folders:  # first what the layers' directories add by being there
            result = LayerEnv().apply_layer(result, str(folder), phase="launch")
        for folder in folders:  # then their files
            layer = LayerEnv.read(str(folder))
            result = layer.apply_layer(result, os.devnull, phase="launch", process=process)
        return self._official(result)

    def exec_d(self, process: str = "", env: Mapping[str, str] | None = None) -> dict[str, str]:
        """What the exec.d programs of the image set before a process starts; they are run.

        Args:
            process: its type; those of all processes alone if not given.
            env: what the container was started with, besides a PATH: SERVICE_BINDING_ROOT for one.

        Returns:
            the variables that are others than in `launch_env`.

        Raises:
            AssertionError: a program failed; the message has what it printed.
        """
        from cnbkit.testing.exec_d import run_programs

        before = self.launch_env(process, {"PATH": BASE_PATH, **(env or {})})
        folders = [self._contents(name) for name in self.in_image()]
        after = run_programs(folders, process, before, self.app)
        return {name: value for name, value in after.items() if before.get(name) != value}

    def snapshot(self) -> str:
        """Layers with their keys, files and environment, processes and labels, as text."""
        from cnbkit.testing.snapshot import render

        place, name = self.place, self.layers_name
        return render(
            [self.layer(layer) for layer in self.layers],
            self._launch(),
            {
                f"{root}{folder}": called
                for folder, called in (
                    (f"/layers/{name}", "<layers>"),
                    ("/app", "<app>"),
                    ("", "<test>"),
                )
                for root in (place.actual, place.official)
            },
        )

    def assert_snapshot(self, file: Path | str) -> None:
        """Compare `snapshot` with a file beside the tests.

        With the variable CNBKIT_UPDATE_SNAPSHOTS set the file is written instead.

        Raises:
            AssertionError: they differ, or there is no file; the message has the difference.
        """
        from pathlib import Path

        from cnbkit.testing.snapshot import compare

        compare(self.snapshot(), Path(file))

    def build_env(self, env: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment later buildpacks build with, as the lifecycle makes it.

        Args:
            env: what was there before; a PATH if not given.
        """
        result = dict(env or {"PATH": BASE_PATH})
        for name in sorted(self.layers, key="{}.toml".format):
            if "build" in self._types(name):
                folder = str(self._contents(name))
                result = LayerEnv.read(folder).apply_layer(result, folder, phase="build")
        return self._official(result)

    def _types(self, name: str) -> set[str]:
        return self.layer(name).types

    def _official(self, env: Mapping[str, str]) -> dict[str, str]:
        result = dict(env)
        build: Result | None = self
        while build:  # a reused layer's files are still where an earlier build's are
            result = {name: build.place.official_text(value) for name, value in result.items()}
            build = build.previous
        return result

    def rebuild(
        self,
        *,
        app: Files | Path | str | None = None,
        env: Mapping[str, str | None] | None = None,
        bindings: Mapping[str, Mapping[str, str]] | None = None,
        target: Target | None = None,
        plan: Sequence[str | Entry] | None = None,
        exec_env: str | None = None,
        commands: Mapping[str, Reply] | None = None,
        buildpack: Named | None = None,
        image: bool = True,
        cache: bool = True,
        phases: Sequence[str] | None = None,
    ) -> Result:
        """Build again, with what the lifecycle restores from this build.

        What is not given stays as it was.

        Args:
            app: files that changed, None for one that went; or a folder, for all of them.
            env: variables that changed, None for one that went.
            bindings: service bindings, all of them.
            target: what is built for.
            plan: what other buildpacks require of this one.
            exec_env: the execution environment.
            commands: fake commands that changed.
            buildpack: a new version of the buildpack.
            image: False: this build's image is gone.
            cache: False: the build cache is gone.
            phases: what to run this time.
        """
        return self.again(
            self,
            app=app,
            env=env,
            bindings=bindings,
            target=target,
            plan=plan,
            exec_env=exec_env,
            commands=commands,
            buildpack=buildpack,
            image=image,
            cache=cache,
            phases=phases,
        )

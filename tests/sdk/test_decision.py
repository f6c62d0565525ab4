"""A buildpack that decides before it contributes: in a build, and asked alone."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from cnbkit import (
    BuildContext,
    Buildpack,
    BuildResult,
    Decision,
    Layer,
    LayerKey,
    Process,
    PythonBuild,
    key,
)

if TYPE_CHECKING:
    from cnbkit.testing import BuildpackRun

ASKED = ("detect", "decide")


class Tool(LayerKey):
    """What the layer depends on."""

    version: str = key("version")


class Chosen(Decision):
    """One that carries more."""

    def __init__(self, version: str) -> None:
        super().__init__(
            BuildResult(
                Process(type="web", command=["tool"], args=["serve"], default=True),
                labels={"b": "2", "a": "1"},
            ),
            tells=PythonBuild(python="/layers/x/bin/python3", python_version="3.12.4"),
        )
        self.version = version


class Pack(Buildpack[Chosen]):
    """Decides by a file of the app."""

    tool = Layer.launch("tool")

    def decide(self, ctx: BuildContext) -> Chosen:
        chosen = Chosen(ctx.app.text("version").strip())
        ctx.log.info(f"tool {chosen.version}")
        ctx.log.warning("it is old")
        chosen.layer(self.tool, Tool(version=chosen.version))
        chosen.package("tool", chosen.version, size=12, layer=self.tool.name)
        return chosen

    def contribute(self, ctx: BuildContext, decision: Chosen) -> BuildResult:
        with ctx.layer(self.tool, Tool(version=decision.version)) as layer:
            if layer.rebuild:
                (layer.path / "tool").write_text(decision.version)
        return decision.result


def test_a_build_carries_out_what_was_decided(buildpack_run: BuildpackRun) -> None:
    built = buildpack_run(Pack, app={"version": "1.2"})
    assert built.code == 0, built.log
    assert (built.layer("tool").path / "tool").read_text() == "1.2"
    assert built.processes["web"].command == ["tool"]
    assert built.labels == {"a": "1", "b": "2"}
    assert built.decision == {}


def test_asked_alone_it_says_the_same_and_contributes_nothing(buildpack_run: BuildpackRun) -> None:
    asked = buildpack_run(Pack, app={"version": "1.2"}, phases=ASKED)
    assert asked.code == 0, asked.log
    assert asked.decision == {
        "decides": True,
        "rest": "",
        "layers": [
            {
                "name": "tool",
                "state": "rebuild",
                "why": ["new"],
                "launch": True,
                "build": False,
                "cache": False,
            }
        ],
        "packages": [{"name": "tool", "version": "1.2", "size": 12, "layer": "tool"}],
        "processes": [
            {
                "type": "web",
                "command": ["tool"],
                "args": ["serve"],
                "default": True,
                "working-dir": "",
            }
        ],
        "labels": {"a": "1", "b": "2"},
        "slices": [],
        "notes": ["tool 1.2"],
        "warnings": ["it is old"],
    }
    assert asked.processes == {}
    assert not (asked.layers_dir / "tool").exists()


def test_a_layer_is_told_to_be_reused_or_why_not(buildpack_run: BuildpackRun) -> None:
    built = buildpack_run(Pack, app={"version": "1.2"})
    [same] = built.rebuild(phases=ASKED).decision["layers"]
    assert (same["state"], same["why"]) == ("reuse", [])
    [other] = built.rebuild(app={"version": "1.3"}, phases=ASKED).decision["layers"]
    assert (other["state"], other["why"]) == ("rebuild", ["version changed from 1.2 to 1.3"])


class Cached(Pack):
    """Keeps its layer for the next build, where later buildpacks read files of it."""

    tool = Layer.cached("tool")


def test_a_layer_that_stays_is_where_later_buildpacks_look_for_it(
    buildpack_run: BuildpackRun,
) -> None:
    built = buildpack_run(Cached, app={"version": "1.2"})
    same = built.rebuild(phases=ASKED)
    # The lifecycle moves away what has no type when a buildpack has ended.
    kept = tomllib.loads((same.layers_dir / "tool.toml").read_text())
    assert kept["types"] == {"launch": False, "build": False, "cache": True}
    assert kept["metadata"]["key"] == {"version": "1.2"}
    changed = built.rebuild(app={"version": "1.3"}, phases=ASKED)
    old = tomllib.loads((changed.layers_dir / "tool.toml").read_text())
    assert old == {"metadata": kept["metadata"]}


def test_later_buildpacks_hear_what_is_told(buildpack_run: BuildpackRun) -> None:
    asked = buildpack_run(Pack, app={"version": "1.2"}, phases=ASKED)
    assert asked.build_env()["CNBKIT_BUILD"].endswith("/decided/build.json")
    told = PythonBuild.loads((asked.layers_dir / "decided/build.json").read_text())
    assert (told.python, told.python_version) == ("/layers/x/bin/python3", "3.12.4")


class Opens(Pack):
    """Opens a layer where none can be opened."""

    def decide(self, ctx: BuildContext) -> Chosen:
        with ctx.layer(self.tool, Tool(version="1")):
            return super().decide(ctx)


def test_no_layer_is_opened_in_decide(buildpack_run: BuildpackRun) -> None:
    for phases in (ASKED, ("detect", "build")):
        failed = buildpack_run(Opens, app={"version": "1.2"}, phases=phases)
        assert failed.fault is not None
        assert failed.fault.what == "the layer tool is opened in decide"


class Wrong(Pack):
    """Gives back something else."""

    def decide(self, ctx: BuildContext) -> Chosen:  # noqa: ARG002
        return BuildResult()  # type: ignore[return-value]


def test_what_is_no_decision_is_the_buildpacks_fault(buildpack_run: BuildpackRun) -> None:
    failed = buildpack_run(Wrong, app={"version": "1.2"}, phases=ASKED)
    assert failed.fault is not None
    assert "Wrong.decide returned" in failed.fault.what


class Builds(Buildpack):
    """Only builds."""

    def build(self, ctx: BuildContext) -> BuildResult:  # noqa: ARG002
        raise AssertionError("it is not asked to")


def test_a_buildpack_that_only_builds_is_not_run(buildpack_run: BuildpackRun) -> None:
    asked = buildpack_run(Builds, app={}, phases=ASKED)
    assert asked.code == 0, asked.log
    assert asked.decision == {"decides": False, "notes": [], "warnings": []}


class Secret(Pack):
    """Logs a secret."""

    def decide(self, ctx: BuildContext) -> Chosen:
        ctx.hide("hunter22")
        ctx.log.info("the password is hunter22")
        chosen = super().decide(ctx)
        chosen.package("hunter22", "1")
        return chosen


def test_no_secret_is_in_what_is_written(buildpack_run: BuildpackRun) -> None:
    asked = buildpack_run(Secret, app={"version": "1.2"}, phases=ASKED)
    text = (asked.layers_dir / "decision.json").read_text()
    assert text.count("[redacted]") == 2
    assert "hunter22" not in text

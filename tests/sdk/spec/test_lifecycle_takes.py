"""A buildpack on the SDK through the real creator: what it says arrives in the image."""

from __future__ import annotations

import json
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import cnbkit

if TYPE_CHECKING:
    from tests.sdk.spec.conftest import Lab

    from cnbkit.testing import BuildpackRun

PACK = """
import sys
sys.path[:0] = PATHS
from cnbkit import *

class Key(LayerKey):
    name: str = key("name")

class Pack(Buildpack):
    def detect(self, ctx):
        return ctx.join("always", Plan().provides("a").requires("a", version="1") | Plan())

    def build(self, ctx):
        with ctx.layer(Layer.launch("wheels"), Key(name="x")) as layer:
            if layer.rebuild:
                (layer.path / "f").write_text("1")
                layer.sbom("spdx", {"spdxVersion": "SPDX-2.3"})
            layer.env.launch.override("A", "b")
        print("state", layer.state, ctx.exec_env, [e.metadata for e in ctx.plan.named("a")])
        web = Process(type="web", command=["/bin/true"], default=True)
        train = Process(type="train", command=["/bin/true"], exec_env=["test"])
        return BuildResult(
            web, train, labels={"team": "ml é"}, store={"n": [1, {"x": True}]},
            slices=[["*.txt"]], sbom={"cdx": {"bomFormat": "CycloneDX"}},
            build_sbom={"syft": {"artifacts": []}},
        )

Pack.main()
"""


def _program(folder: Path, code: str) -> None:
    """Make a buildpack of a program with `Pack.main()` at its end."""
    paths = [str(Path(cnbkit.__file__).parents[1]), sysconfig.get_path("purelib")]
    for phase in ("detect", "build"):
        (folder / "bin" / f"{phase}.py").write_text(code.replace("PATHS", repr(paths)))
        (folder / "bin" / phase).write_text(
            f'#!/bin/sh\nexec {sys.executable} -I -S -B "$0.py" {phase}\n'
        )


def test_everything_a_buildpack_says_arrives(lab: Lab) -> None:
    folder = lab.buildpack(
        "a",
        info='sbom-formats = ["application/spdx+json", "application/vnd.cyclonedx+json", '
        '"application/vnd.syft+json"]',
    )
    _program(folder, PACK)
    (lab.root / "app" / "a.txt").touch()
    lab.env["CNB_EXEC_ENV"] = "test"
    said = []
    for _ in range(2):
        done = lab.create()
        assert done.returncode == 0, done.stdout
        said.append(next(e for e in done.stdout.splitlines() if e.startswith("state")))
    assert said == [f"state {each} test [{{'version': '1'}}]" for each in ("rebuild", "reuse")]

    labels = lab.image()["config"]["Labels"]
    assert labels["team"] == "ml é"
    metadata = json.loads(labels["io.buildpacks.lifecycle.metadata"])
    [buildpack] = metadata["buildpacks"]
    assert buildpack["store"]["metadata"] == {"n": [1, {"x": True}]}
    assert list(buildpack["layers"]) == ["wheels"]
    assert len(metadata["app"]) == 2
    processes = json.loads(labels["io.buildpacks.build.metadata"])["processes"]
    assert {each["type"]: each.get("exec-env") for each in processes} == {
        "web": None,
        "train": ["test"],
    }
    boms = {
        str(path.relative_to(lab.root / "layers" / "sbom")): path.read_text()
        for path in (lab.root / "layers" / "sbom").rglob("*.json")
        if "legacy" not in path.name
    }
    assert set(boms) == {
        "launch/a/wheels/sbom.spdx.json",
        "launch/a/sbom.cdx.json",
        "build/a/sbom.syft.json",
    }
    assert "SPDX-2.3" in boms["launch/a/wheels/sbom.spdx.json"]


PROCESSES = """
import sys
sys.path[:0] = PATHS
from cnbkit import *

class Pack(Buildpack):
    def build(self, ctx):
        def process(type, said, *exec_env):
            # The default is declared for each; only one may hold at a time.
            default = type == "web"
            command = ["/bin/echo", said]
            return Process(type=type, command=command, exec_env=list(exec_env), default=default)

        return BuildResult(
            process("web", "served", "production"), process("web", "tried out", "test"),
            process("train", "trained", "development", "test"), process("any", "any", "*"),
            process("all", "all"),
        )

Pack.main()
"""


@pytest.mark.parametrize("exec_env", ["production", "test"])
def test_processes_are_those_of_the_execution_environment(
    lab: Lab, exec_env: str, buildpack_run: BuildpackRun
) -> None:
    folder = lab.buildpack("a")
    _program(folder, PROCESSES)
    lab.env["CNB_EXEC_ENV"] = exec_env
    done = lab.create()
    assert done.returncode == 0, done.stdout
    metadata = lab.root / "layers" / "config" / "metadata.toml"
    assert tomllib.loads(metadata.read_text())["buildpack-default-process-type"] == "web"
    lab.env.update(CNB_LAYERS_DIR=str(lab.root / "layers"), CNB_APP_DIR=str(lab.root / "app"))
    launcher = lab.lifecycle / "launcher"
    lab.lifecycle = lab.root
    started = {}
    for name in ("web", "train", "any", "all"):
        (lab.root / name).symlink_to(launcher)
        started[name] = lab.run(name, user=False)
    said = {name: each.stdout.strip() for name, each in started.items() if not each.returncode}
    assert all(each.returncode in (0, 82) for each in started.values())
    served = {"production": "served", "test": "tried out"}[exec_env]
    train = {"train": "trained"} if exec_env == "test" else {}
    assert said == {"web": served, "any": "any", "all": "all", **train}
    # The testing kit expects the same.
    result = buildpack_run(folder, exec_env=exec_env)
    assert {name: each.command[1] for name, each in result.startable.items()} == said


def test_a_buildpack_for_other_execution_environments_is_not_asked(
    lab: Lab, buildpack_run: BuildpackRun
) -> None:
    folder = lab.buildpack("a", info='exec-env = ["test"]')
    lab.buildpack("old", info='exec-env = ["test"]', api="0.11")
    lab.env["CNB_EXEC_ENV"] = "production"
    assert lab.detect().returncode == 0
    assert lab.group() == ["old"]
    result = buildpack_run(folder)
    assert (result.code, result.detected, result.reason) == (100, False, "it is not for production")
    assert buildpack_run(folder, exec_env="test").detected
    assert buildpack_run(folder.parents[1] / "old" / "1.0.0").detected

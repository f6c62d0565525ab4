"""A buildpack on the SDK through the real creator: what it says arrives in the image."""

from __future__ import annotations

import json
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import cnbkit

if TYPE_CHECKING:
    from tests.contract.conftest import Lab

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
        with ctx.layer(Layer.in_image("wheels"), Key(name="x")) as layer:
            if layer.rebuild:
                (layer.path / "f").write_text("1")
                layer.sbom("spdx", {"spdxVersion": "SPDX-2.3"})
            layer.env.launch.override("A", "b")
        print("state", layer.state, ctx.exec_env, [e.metadata for e in ctx.plan.named("a")])
        web = Process(type="web", command=["/bin/true"], default=True)
        train = Process(type="train", command=["/bin/true"], exec_env=["test"])
        return Built(
            web, train, labels={"team": "ml é"}, store={"n": [1, {"x": True}]},
            slices=[["*.txt"]], sbom={"cdx": {"bomFormat": "CycloneDX"}},
            build_sbom={"syft": {"artifacts": []}},
        )

Pack.main()
"""


def test_everything_a_buildpack_says_arrives(lab: Lab) -> None:
    folder = lab.buildpack(
        "a",
        info='sbom-formats = ["application/spdx+json", "application/vnd.cyclonedx+json", '
        '"application/vnd.syft+json"]',
    )
    paths = [str(Path(cnbkit.__file__).parents[1]), sysconfig.get_path("purelib")]
    for phase in ("detect", "build"):
        (folder / "bin" / f"{phase}.py").write_text(PACK.replace("PATHS", repr(paths)))
        (folder / "bin" / phase).write_text(
            f'#!/bin/sh\nexec {sys.executable} -I -S -B "$0.py" {phase}\n'
        )
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

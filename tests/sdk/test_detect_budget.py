"""What detect and an unchanged build may cost, in modules: times depend on the machine."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import cnbkit

DETECT = """
import sys
sys.path[:0] = sys.argv[1:]
import os
from cnbkit import Buildpack, Layer, LayerKey, Plan, Triggers, key

class Key(LayerKey):
    packages: list[str] = key("packages", default_factory=list)

class Pack(Buildpack):
    triggers = Triggers("requirements.txt", "*.yml", settings=("BP_X",), bindings=("ca",))
    plan = Plan().provides("a").requires("b", version="1") | Plan().provides("a")
    layer = Layer.launch("wheels")

    def detect(self, ctx):
        if ctx.settings.flag("BP_READS"):
            return ctx.join("needs " + ctx.app.text("requirements.txt"), self.plan)
        return super().detect(ctx)

from cnbkit.runtime import detect
code = detect(Pack(), os.environ)
print(code, *sys.modules, sep="\\n")
"""
HEAVY = {
    "argparse",
    "cyclonedx",
    "dataclasses",
    "enum",
    "functools",
    "importlib",
    "inspect",
    "logging",
    "packaging",
    "pathlib",
    "pydantic",
    "pydantic_core",
    "re",
    "shutil",
    "spdx_tools",
    "subprocess",
    "tomli_w",
    "tomllib",
    "typing",
    "urllib",
}


@pytest.mark.parametrize(
    ("files", "env", "code"),
    [
        (["requirements.txt"], {}, 0),
        (["requirements.txt"], {"BP_READS": "true"}, 0),
        ([], {"BP_X": "1"}, 0),
        (["lock.yml", "requirements"], {}, 0),
        (["bindings/x/type"], {}, 0),
        ([], {}, 100),
    ],
    ids=["by file", "reads the file", "by setting", "by pattern", "by binding", "skips"],
)
def test_a_detect_imports_little_and_nothing_heavy(
    tmp_path: Path, files: list[str], env: dict[str, str], code: int
) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("ca" if name.endswith("type") else "flask")
    plan = tmp_path / "plan"
    plan.touch()
    done = subprocess.run(
        [
            *(sys.executable, "-I", "-S", "-B", "-c", DETECT),
            *(str(Path(cnbkit.__file__).parents[1]), sysconfig.get_path("purelib")),
        ],
        cwd=tmp_path,
        env={"CNB_PLATFORM_DIR": str(tmp_path), "CNB_BUILD_PLAN_PATH": str(plan), **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    _said, status, *modules = done.stdout.splitlines()
    assert int(status) == code
    assert set(modules) & HEAVY == set()
    assert len(modules) <= 75
    assert ('[[provides]]\nname = "a"\n' in plan.read_text()) == (code == 0)


BUILD = """
import sys
sys.path[:0] = sys.argv[1:]
import os
from cnbkit import Buildpack, BuildResult, Config, Layer, LayerKey, Option, Process, key, migrates

class Key(LayerKey, version=2):
    packages: list[str] = key("packages", default_factory=list)

    @migrates(1)
    @staticmethod
    def _from_1(old):
        return old

class Options(Config):
    engine = Option.choice("BP_ENGINE", "uv", "pip")

class Pack(Buildpack):
    config = Options

    def build(self, ctx):
        config = self.config.read(ctx.settings)
        with ctx.layer(Layer.launch("wheels"), Key(packages=["a 1"])) as layer:
            layer.env.launch.prepend("PATH", config.engine, ":")
            if layer.rebuild:
                from cnbkit import Component, bill_of_materials
                for kind, bill in bill_of_materials([Component("pypi", "a", "1")]).items():
                    layer.sbom(kind, bill)
        with ctx.layer(Layer.for_build("choice")) as choice:
            choice.env.build.override("A", "b")
        web = Process(type="web", command=["x"], default=True)
        return BuildResult(web, labels={"team": "a"}, store={"n": 1})

from cnbkit.runtime import build
build(Pack(), os.environ, identity="x 1.2.3")
print(*sys.modules, sep="\\n")
"""


def test_an_unchanged_build_imports_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "plan").touch()
    imported: list[set[str]] = []
    restored = ""
    for number in range(2):
        layers = tmp_path / f"layers-{number}"
        layers.mkdir()
        if restored:
            (layers / "wheels.toml").write_text(restored)
        done = subprocess.run(
            [
                *(sys.executable, "-I", "-S", "-B", "-c", BUILD),
                *(str(Path(cnbkit.__file__).parents[1]), sysconfig.get_path("purelib")),
            ],
            cwd=tmp_path,
            env={
                "CNB_PLATFORM_DIR": str(tmp_path),
                "CNB_BP_PLAN_PATH": str(tmp_path / "plan"),
                "CNB_LAYERS_DIR": str(layers),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        imported.append(set(done.stdout.splitlines()))
        text = (layers / "wheels.toml").read_text()
        restored = "[metadata]" + text.partition("[metadata]")[2]
    assert {"pydantic", "cyclonedx", "spdx_tools"} < imported[0]
    assert imported[1] & HEAVY == set()
    assert len(imported[1]) <= 90

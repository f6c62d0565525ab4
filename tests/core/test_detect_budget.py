"""What a detect may cost, counted in modules: times depend on the machine."""

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
    triggers = Triggers("requirements.txt", "*.yml", settings=("BP_X",))
    plan = Plan().provides("a").requires("b", version="1") | Plan().provides("a")
    layer = Layer.in_image("wheels")

    def detect(self, ctx):
        if ctx.settings.flag("BP_READS"):
            return ctx.join("needs " + ctx.app.text("requirements.txt"), self.plan)
        return super().detect(ctx)

from cnbkit.phase import detect
code = detect(Pack(), os.environ)
print(code, *sys.modules, sep="\\n")
"""
HEAVY = {
    "argparse",
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
        ([], {}, 100),
    ],
    ids=["by file", "reads the file", "by setting", "by pattern", "skips"],
)
def test_a_detect_imports_little_and_nothing_heavy(
    tmp_path: Path, files: list[str], env: dict[str, str], code: int
) -> None:
    for name in files:
        (tmp_path / name).write_text("flask")
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

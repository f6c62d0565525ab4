"""Mistakes of a buildpack's author that a type checker tells while they are typed.

Each line with `# told` is wrong; mypy names these lines and no other.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

MISTAKES = '''\
"""What an author gets wrong."""

from typing import Literal

from cnbkit import (
    BuildContext,
    Buildpack,
    BuildResult,
    Config,
    Dependency,
    DetectContext,
    DetectResult,
    Layer,
    LayerKey,
    Model,
    Option,
    Plan,
    Process,
    Triggers,
    key,
)


class Settings(Config):
    level: Option[Literal["low", "high"]] = Option.choice("BP_LEVEL", "low", "high")
    depth = Option.number("BP_DEPTH")
    wrong: Option[Literal["a"]] = Option.choice("BP_WRONG", "a", "b")  # told
    size = Option.of("BP_SIZE", int, "1")  # told


class Contents(LayerKey):
    version: str = key("version")


class Service(Model):
    port: int


class A(Buildpack):
    triggers = "a.txt"  # told


class B(Buildpack):
    plan = {}  # told


class C(Buildpack):
    config = Settings()  # told


class D(Buildpack):
    async def build(self, ctx: BuildContext) -> BuildResult:  # told
        return BuildResult()


class E(Buildpack):
    def detect(self, ctx: DetectContext) -> DetectResult:
        Triggers(["a"])  # told
        Triggers(settings="BP_A")  # told
        Plan().provides(["a"])  # told
        if ctx.app.has("x"):
            return True  # told
        if ctx.app.has("y"):
            return ctx.join("y", {})  # told
        return ctx.skip()  # told

    def build(self, ctx: BuildContext[Settings]) -> BuildResult:
        ctx.config.nothing  # told
        depth: str = ctx.config.depth  # told
        if ctx.config.level == "middle":  # told
            pass
        ctx.run(["echo", "1"])  # told
        ctx.run("echo", "1").strip()  # told
        ctx.app.read("service.yml", dict)  # told
        ctx.app.read("service.yml", Service).ports  # told
        ctx.download("https://example.com/x")  # told
        ctx.dependencies("node").best(20)  # told
        Dependency("https://example.com/x")  # told
        Contents(version=1)  # told
        Contents(versoin="1")  # told
        ctx.layer("data")  # told
        with ctx.layer(Layer.launch("data"), {"version": "1"}) as data:  # told
            data.env.override("A", None)  # told
            data.exec_d("10-x", lambda: {"A": 1})  # told
        process = Process(type="web", command="python app.py")  # told
        BuildResult([process])  # told
        return BuildResult(labels=["a"])  # told
'''


def test_a_type_checker_tells_them(tmp_path: Path) -> None:
    file = tmp_path / "mistakes.py"
    file.write_text(MISTAKES)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--strict-equality", "--no-error-summary"),
            *("--config-file", "", "--cache-dir", str(ROOT / ".mypy_cache" / "docs"), str(file)),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    told = {int(line) for line in re.findall(r"mistakes\.py:(\d+): error:", done.stdout)}
    lines = MISTAKES.splitlines()
    wrong = {number for number, text in enumerate(lines, 1) if text.endswith("# told")}
    assert len(wrong) > 25
    missed = [lines[number - 1].strip() for number in sorted(wrong - told)]
    others = [lines[number - 1].strip() for number in sorted(told - wrong)]
    assert (missed, others) == ([], []), done.stdout + done.stderr

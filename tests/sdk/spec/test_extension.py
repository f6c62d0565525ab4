"""Image extensions written on the SDK, run by the real lifecycle."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import cnbkit
from cnbkit import BuildpackFault, GenerateResult
from cnbkit.extension import write
from cnbkit_engine.buildpack.launcher import generate_script, main_module
from cnbkit_engine.buildpack.source import BuildpackSource

if TYPE_CHECKING:
    from tests.sdk.spec.conftest import Lab

HEAD = "ARG base_image\nFROM ${base_image}\n"
PACK = """
import os
from cnbkit import *

class Curl(Buildpack):
    plan = Plan().provides("curl")

    def generate(self, ctx):
        for entry in ctx.plan.named("curl"):
            ctx.log.info(f"for {entry.metadata['who']} on {ctx.target}")
        return GenerateResult(
            build="ARG base_image\\nFROM ${base_image}\\nRUN apt-get install -y curl\\nVOLUME /x",
            run="FROM other/run",
            build_args={"b": "2", "a": "1"},
            build_context={"etc/x.conf": "text"},
        )

    def on_error(self, error):
        print("hook:", error.phase, error.buildpack)
"""


def _extension(lab: Lab, code: str = PACK) -> Path:
    folder = lab.extension("curl", detect="exit 0")
    toml = folder / "extension.toml"
    toml.write_text(f'{toml.read_text()}\n[metadata.cnbkit]\nentry = "pack:Curl"\n')
    (folder / "lib").mkdir()
    (folder / "pack.py").write_text(code)
    (folder / "lib" / "pack.py").write_text(code)
    (folder / "lib" / "cnbkit").symlink_to(Path(cnbkit.__file__).parent)
    site = next(each for each in sys.path if each.endswith("site-packages"))
    (folder / "lib" / "typing_extensions.py").symlink_to(f"{site}/typing_extensions.py")
    for name in ("pydantic", "pydantic_core", "annotated_types", "typing_inspection"):
        (folder / "lib" / name).symlink_to(f"{site}/{name}")
    source = BuildpackSource(folder)
    assert source.is_extension
    python = sys.executable
    (folder / "bin" / "generate").write_text(generate_script(source, python))
    (folder / "bin" / "main.py").write_text(main_module(source))
    detect = f'exec {python} -I -S -B "${{0%/*}}/main.py" detect "$@"\n'
    (folder / "bin" / "detect").write_text("#!/bin/sh\n" + detect)
    return folder


def test_the_lifecycle_takes_what_an_extension_generates(lab: Lab) -> None:
    _extension(lab)
    plan = '[[requires]]\nname = "curl"\n[requires.metadata]\nwho = "me"\n'
    lab.buildpack("a", detect=f"cat > $CNB_BUILD_PLAN_PATH <<'E'\n{plan}E")
    done = lab.detect()
    assert done.returncode == 0, done.stdout
    assert "curl 1.0.0" in done.stdout
    assert "for me on linux/amd64" in done.stdout or "for me on linux/arm64" in done.stdout
    assert "build.Dockerfile:4: VOLUME is not recommended" in done.stdout
    out = lab.root / "gen" / "curl"
    assert sorted(path.name for path in out.rglob("*") if path.is_file()) == [
        "build.Dockerfile",
        "extend-config.toml",
        "run.Dockerfile",
        "x.conf",
    ]
    assert tomllib.loads((out / "extend-config.toml").read_text()) == {
        "build": {"args": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]}
    }


def test_an_extension_that_requires_something_is_told_so(lab: Lab) -> None:
    _extension(lab, PACK.replace('.provides("curl")', '.provides("curl").requires("x")'))
    lab.buildpack("a")
    done = lab.detect()
    assert "the extension Curl requires something in its plan" in done.stdout
    assert "hook: detect curl 1.0.0" in done.stdout


def test_a_result_that_is_none_is_the_extensions_fault(lab: Lab) -> None:
    _extension(lab, PACK.replace("return GenerateResult(", "return None and GenerateResult("))
    plan = '[[requires]]\nname = "curl"\n[requires.metadata]\nwho = "me"\n'
    lab.buildpack("a", detect=f"cat > $CNB_BUILD_PLAN_PATH <<'E'\n{plan}E")
    done = lab.detect()
    assert done.returncode != 0
    assert "Curl.generate returned None" in done.stdout


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"build": "FROM x\nFOO\n"}, "build.Dockerfile has 3 faults"),
        ({"run": "FROM x\nFROM y\n"}, "run.Dockerfile: a second FROM"),
        ({"build": HEAD, "build_args": {"user_id": "1"}}, "user_id is the lifecycle's own"),
        ({"context": {"a": "b"}, "run_context": {"a": "b"}}, "exclude each other"),
    ],
)
def test_what_the_lifecycle_would_refuse_is_refused_at_once(
    given: dict[str, Any], said: str
) -> None:
    with pytest.raises(BuildpackFault, match=said):
        GenerateResult(**given)


def test_a_context_takes_files_and_folders_and_stays_inside(tmp_path: Path) -> None:
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "f").write_text("1")
    write(
        GenerateResult(
            context={"d": tmp_path / "folder", "x/f": tmp_path / "folder/deep/f", "b": b"\0"}
        ),
        str(tmp_path),
    )
    found = {str(p.relative_to(tmp_path / "context")) for p in (tmp_path / "context").rglob("*")}
    assert found == {"d", "d/deep", "d/deep/f", "x", "x/f", "b"}
    for name in ("../x", "/x", "a/../../b"):
        with pytest.raises(BuildpackFault, match="outside of the context"):
            write(GenerateResult(context={name: "x"}), str(tmp_path))

"""A third party's Python below our buildpacks, and a third party's start behind them."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.state.home import Home
from cnbkit_engine.testing import EmbeddedEngine, LifecycleBuild

from .index import PackageIndex

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILDPACKS = Path(__file__).resolve().parents[2] / "buildpacks"
DESCRIPTOR = """api = "0.10"
[buildpack]
id = "acme/{name}"
name = "{name}"
version = "1.0.0"
[[targets]]
os = "linux"
"""
# A CPython of its own: the build image's, at another place.
PYTHON = """#!/usr/bin/env bash
set -euo pipefail
layer=$CNB_LAYERS_DIR/interpreter
printf '[types]\\nbuild = true\\nlaunch = true\\ncache = true\\n' >"$layer.toml"
[ ! -d "$layer" ] || exit 0
mkdir -p "$layer/bin" "$layer/lib"
cp -L /usr/bin/python3 "$layer/bin/python3"
cp -R /usr/lib/python3.* "$layer/lib/"
"""
START = """#!/usr/bin/env bash
set -euo pipefail
cat >"$CNB_LAYERS_DIR/launch.toml" <<TOML
[[processes]]
type = "web"
command = ["python", "app.py"]
default = true
TOML
"""
APP = """
import sys
import corplib
print(corplib.VERSION, sys.base_prefix)
"""


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[LifecycleBuild]:
    """Builds, by the embedded engine."""
    with closing(LifecycleBuild(EmbeddedEngine(Home.default()), tmp_path / "source")) as builds:
        yield builds


@pytest.fixture
def index(tmp_path: Path) -> Iterator[PackageIndex]:
    """An index with one package."""
    with closing(PackageIndex(tmp_path / "index")) as made:
        made.add("corplib", "1.0")
        yield made


def _buildpack(folder: Path, plan: str, build: str) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "buildpack.toml").write_text(DESCRIPTOR.format(name=folder.name))
    detect = f"#!/bin/sh\ncat >\"$CNB_BUILD_PLAN_PATH\" <<'TOML'\n{plan}\nTOML\n"
    for name, text in (("detect", detect), ("build", build)):
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    return folder


@pytest.mark.parametrize("name", ["python", "cpython"])
def test_packages_are_installed_for_the_python_on_path_and_started_by_others(
    foreign: LifecycleBuild, index: PackageIndex, tmp_path: Path, name: str
) -> None:
    python = _buildpack(tmp_path / "interpreter", f'[[provides]]\nname = "{name}"', PYTHON)
    start = _buildpack(tmp_path / "runner", '[[requires]]\nname = "site-packages"', START)
    app = {"requirements.txt": "corplib==1.0\n", "app.py": APP}
    built = foreign.build(
        app,
        buildpacks=[python, BUILDPACKS / "pip", start],
        env={"BP_PIP_INDEX_URL": index.url},
    )
    assert built.run() == "1.0 /layers/acme_interpreter/interpreter\n"

    again = built.rebuild(app={"app.py": "import corplib; print(corplib.VERSION)\n"})
    assert again.states["cnbkit/pip:site"] == "reused"
    assert again.run() == "1.0\n"


def test_a_lock_is_read_for_the_python_on_path(
    foreign: LifecycleBuild, index: PackageIndex, tmp_path: Path
) -> None:
    python = _buildpack(tmp_path / "interpreter", '[[provides]]\nname = "cpython"', PYTHON)
    project = tmp_path / "locked"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[project]\nname = "shop"\nversion = "1"\ndependencies = ["corplib==1.0"]\n'
        'requires-python = ">=3.11"\n'
    )
    uv = str(Path(sys.executable).with_name("uv"))
    command = [uv, "lock", "--quiet", "--default-index", index.url, "--python", sys.executable]
    subprocess.run(command, cwd=project, check=True)
    app = {name: (project / name).read_text() for name in ("pyproject.toml", "uv.lock")}
    built = foreign.build(
        {**app, "app.py": APP},
        buildpacks=[python, BUILDPACKS / "uv", BUILDPACKS / "pip", BUILDPACKS / "start"],
        env={"BP_PIP_INDEX_URL": index.url},
    )
    assert "Reading uv.lock: new" in built.log
    assert built.run() == "1.0 /layers/acme_interpreter/interpreter\n"


REQUEST = """
[requires.metadata.request]
subject = "runner"
groups = ["serve"]
"""
NEEDS = '[[requires]]\nname = "{}"\n' + REQUEST
PROJECT = """[project]
name = "shop"
version = "1"
requires-python = ">=3.11"
[dependency-groups]
serve = ["corplib==1.0"]
"""


def test_a_third_partys_start_asks_for_the_groups_of_its_process(
    foreign: LifecycleBuild, index: PackageIndex, tmp_path: Path
) -> None:
    start = _buildpack(tmp_path / "runner", NEEDS.format("site-packages"), START)
    app = {"pyproject.toml": PROJECT, "app.py": "import corplib; print(corplib.VERSION)\n"}
    built = foreign.build(
        app,
        buildpacks=[BUILDPACKS / "python", BUILDPACKS / "pip", start],
        env={"BP_PIP_INDEX_URL": index.url},
    )
    assert built.run() == "1.0\n"


def test_of_a_lock_the_groups_are_asked_for_before_it_is_read(
    foreign: LifecycleBuild, index: PackageIndex, tmp_path: Path
) -> None:
    project = tmp_path / "locked"
    project.mkdir()
    (project / "pyproject.toml").write_text(PROJECT)
    uv = str(Path(sys.executable).with_name("uv"))
    command = [uv, "lock", "--quiet", "--default-index", index.url, "--python", sys.executable]
    subprocess.run(command, cwd=project, check=True)
    app = {name: (project / name).read_text() for name in ("pyproject.toml", "uv.lock")}
    app["app.py"] = "import corplib; print(corplib.VERSION)\n"
    ours = [BUILDPACKS / name for name in ("python", "uv", "pip")]
    both = NEEDS.format("site-packages") + NEEDS.format("python")
    env = {"BP_PIP_INDEX_URL": index.url}
    built = foreign.build(
        app, buildpacks=[*ours, _buildpack(tmp_path / "runner", both, START)], env=env
    )
    assert "Dependency groups that later buildpacks ask for: serve (runner)" in built.log
    assert built.run() == "1.0\n"

    late = _buildpack(tmp_path / "late", NEEDS.format("site-packages"), START)
    failed = foreign.build(app, buildpacks=[*ours, late], env=env, code=51)
    assert "runner asks for the dependency groups serve, and uv.lock has been read" in failed.log
    assert "require `python` with the same request" in failed.log

"""Every example that builds does what its plan says.

Where an example's packages are too large for a test, or come from where tests do not ask, small
ones of the same names stand for them, in the build as in the plan.
"""

from __future__ import annotations

import shutil
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.base.images import BaseImages
from cnbkit_engine.build.build import Build
from cnbkit_engine.builder.reference import reference_builder
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home

from .accelerators import Site
from .channel import Channel, Server, python_package, wheel_package
from .conftest import ROOT
from .plans import check_equal, launch_states, left_to_the_build, planned
from .test_hardware_examples import DELEGATE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cnbkit_engine.build.plan import Plan

    from .conftest import Project

EXAMPLES = ROOT / "examples"
FROM_THE_INDEX = (
    "vision",
    "vision-apt",
    "notebook",
    "train-serve",
    "onnx-serve",
    "streamlit-app",
)
WITH_STAND_INS = ("hardware", "torch-classify", "jax-tpu", "coral-detect", "conda-forecast")
WITH_BUILDERS = {"company-builder": "company-builder/app", "buildpacks": "buildpacks/app"}
LIBRARIES = {"cnbkit/elf-check"}


def check_example(
    app: Path,
    name: str,
    builder: Path | None = None,
    env: Mapping[str, str] | None = None,
    left: set[str] = LIBRARIES,
) -> Plan:
    """Plan and build twice.

    Args:
        app: the example.
        name: the image's.
        builder: builder.toml.
        env: build-time variables.
        left: who decides only in the build.

    Returns:
        The second plan, all of whose layers are there already.
    """
    env = env or {}
    build = Build(app=app, name=name, builder=builder or reference_builder(), env=env)
    plan = planned(app, name, builder, env=env)
    assert left_to_the_build(plan) == left
    check_equal(plan, build.run(Home.default()))
    again = planned(app, name, builder, env=env)
    check_equal(again, build.run(Home.default()))
    assert launch_states(again) <= {"reuse"}
    return again


def test_no_example_is_forgotten() -> None:
    tested = {*FROM_THE_INDEX, *WITH_STAND_INS, *WITH_BUILDERS}
    assert tested == {path.name for path in EXAMPLES.iterdir() if path.is_dir()}


@pytest.mark.parametrize("example", FROM_THE_INDEX)
def test_the_plan_of_an_example_is_what_its_build_does(example: str, project: Project) -> None:
    again = check_example(EXAMPLES / example, project.name)
    assert {each.rest for each in again.decisions} == {""}


@pytest.mark.parametrize("example", ["hardware", "torch-classify", "jax-tpu"])
def test_the_plan_of_an_accelerators_example(
    example: str, project: Project, tmp_path: Path
) -> None:
    with closing(Site(tmp_path / "site")) as site:
        site.publish_torch()
        for name, version in (("flask", "3.1.0"), ("gunicorn", "23.0.0"), ("libtpu", "0.0.23")):
            site.publish(name, version)
        site.publish("jax", "0.7.2", extras=[("tpu", "libtpu")])
        env = dict(each.split("=", 1) for each in site.options if each != "--env")
        # The stand-in for gunicorn has no program.
        again = check_example(
            EXAMPLES / example, project.name, env={**env, "BP_START_CHECK": "warn"}
        )
    [pip] = [each for each in again.decisions if each.id == "cnbkit/pip"]
    assert {each.name for each in pip.packages} & {"torch", "libtpu"}


def test_the_plan_of_the_example_for_an_edge_tpu(project: Project) -> None:
    shutil.copytree(EXAMPLES / "coral-detect", project.app, dirs_exist_ok=True)
    project.write({"edge/delegate.c": DELEGATE})
    command = ["gcc", "-shared", "-fPIC", "-Wl,-soname,libedgetpu.so.1", "delegate.c"]
    command += ["-o", "libedgetpu.so.1.0"]
    subprocess.run(command, cwd=project.app / "edge", check=True)
    env = {"BP_CORAL_RUNTIME": "edge/libedgetpu.so.1.0"}
    again = check_example(project.app, project.name, env=env)
    assert "cnbkit/tpu" in {each.id for each in again.group}


def test_the_plan_of_the_example_with_conda(project: Project, tmp_path: Path) -> None:
    channel = Channel(tmp_path / "channels" / "conda-forge")
    home = Home.default()
    python_package(channel, BaseImages(home, ImageStore(home.images)).ensure_build_root())
    wheel_package(channel, "numpy", "2.2.0", tmp_path)
    channel.index()
    with Server(channel.folder.parent) as server:
        again = check_example(
            EXAMPLES / "conda-forecast", project.name, env={"BP_CONDA_MIRROR": server.url}
        )
    [conda] = [each for each in again.decisions if each.id == "cnbkit/conda"]
    assert {each.name for each in conda.packages} == {"python", "numpy"}


@pytest.mark.parametrize(
    ("example", "left"),
    [
        ("company-builder", {"example/rules", "example/owners"}),
        ("buildpacks", {"examples/wordcount", "examples/hello", "examples/company"}),
    ],
)
def test_the_plan_of_an_example_with_a_builder_of_its_own(
    example: str, left: set[str], project: Project
) -> None:
    builder = EXAMPLES / example / "builder.toml"
    check_example(EXAMPLES / WITH_BUILDERS[example], project.name, builder, left=left)

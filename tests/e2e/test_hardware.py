"""One word in hardware.txt, and the image gets the wheels for it: real lifecycle, real uv."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit.platform.image import Image

from .accelerators import Site
from .conftest import ROOT, cnbkit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Project

EXAMPLE = ROOT / "examples" / "hardware"
UV = Path(sys.executable).with_name("uv")
APP = "import idna, torch; print(torch.VERSION, idna.VERSION)\n"
TORCH, ACCELERATOR = "cnbkit/pip:wheels-torch", "cnbkit/pip:wheels-accelerator-"
OWN = ("cnbkit/pip:site", "cnbkit/hardware:device")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with closing(Site(tmp_path / "site")) as made:
        yield made


def test_a_change_of_hardware_changes_the_frameworks_layers_and_no_other(
    project: Project, site: Site
) -> None:
    site.publish_torch(weight=9_000_000)
    site.publish("hub", "1.0", needs=["torch>=2"])
    site.publish("six", "1.17.0")
    # torch is not even named: something that is, needs it.
    project.write({"app.py": APP, "requirements.txt": "hub\nsix\n", "hardware.txt": "cpu\n"})
    built = project.build(*site.options)
    assert "cpu: torch 2.8.0+cpu from" in built.output
    assert "4 packages fall away: " in built.output
    assert "MB less to download" in built.output
    assert project.run() == "2.8.0+cpu 3.10\n"
    cpu = project.layers()
    assert ACCELERATOR not in cpu

    project.write({"hardware.txt": "cuda:12.6  # T4\n"})
    built = project.build(*site.options)
    assert "hardware changed from cpu to cuda:12.6" in built.output
    assert "cuda:12.6: torch 2.8.0+cu126 from" in built.output
    assert "asked for, in place of CUDA 12.8" in built.output
    assert "no NVIDIA driver is to be seen" in project.run()
    assert project.run().endswith("2.8.0+cu126 3.10\n")
    cuda = project.layers()
    changed = {what for what in {*cpu, *cuda} if cpu.get(what) != cuda.get(what)}
    assert changed - {"app", "config", "sbom"} == {TORCH, ACCELERATOR, *OWN}
    labels = project.image().labels
    assert labels["io.cnbkit.hardware"] == "cuda:12.6"
    assert labels["io.cnbkit.cuda"] == "12.6"
    assert labels["io.cnbkit.cuda.driver"] == ">=525.60.13"

    # Nothing changed: the labels are there as before, with the cache and without it.
    for _ in range(2):
        assert "unchanged" in project.build(*site.options).output
        assert project.image().labels["io.cnbkit.cuda"] == "12.6"
        assert project.layers() == cuda
        shutil.rmtree(project.home.cache / project.name / "layers")

    project.write({"hardware.txt": "cpu\n"})
    project.build(*site.options)
    assert {**project.layers(), "app": ""} == {**cpu, "app": ""}


def test_a_host_that_does_not_fit_is_told_before_the_app_starts(
    project: Project, site: Site
) -> None:
    site.publish_torch()
    site.publish("ctranslate2", "4.6.0")
    version = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.57.02  Tue Jul 13 16:14:05\n"
    project.write(
        {
            "app.py": "import os, torch; print(torch.VERSION, os.environ['LD_LIBRARY_PATH'])\n",
            "pyproject.toml": '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\n'
            'dependencies = ["torch==2.8.0", "ctranslate2"]\n'
            '[tool.cnbkit]\nhardware = "aws"\n'
            f'[[tool.uv.index]]\nurl = "{site.simple}"\ndefault = true\n',
            "host/proc/driver/nvidia/version": version,
            "host/usr/lib/x86_64-linux-gnu/libcuda.so.1": "",
        }
    )
    subprocess.run([UV, "lock", "--quiet"], cwd=project.app, check=True)
    built = project.build(*site.options)
    assert "cuda (NVIDIA GPUs), from pyproject.toml; aws is cuda: the GPUs of AWS" in built.output
    assert "cuda: torch 2.8.0 as uv.lock has it is for CUDA 12.8" in built.output
    assert project.image().labels["io.cnbkit.cuda"] == "12.8"

    host = ("--env", "CNBKIT_CUDA_ROOT=/workspace/host")
    output = project.run(*host)
    assert "cuda: driver 470.57.02 of this host is older than 525.60.13, which CUDA 12.8" in output
    place = "/layers/cnbkit_pip/wheels-accelerator-/py/python3.11/site-packages/nvidia/cudnn/lib"
    assert place in output
    failed = project.run(*host, "--env", "BPL_CUDA_CHECK=fail", code=82)
    assert "525.60.13" in failed
    assert "wheels-accelerator-" not in failed


def test_one_source_makes_an_image_for_each_kind_of_hardware(project: Project, site: Site) -> None:
    site.publish_torch(weight=9_000_000)
    shutil.copytree(EXAMPLE, project.app, dirs_exist_ok=True)
    built = project.build("--hardware", "cpu,cuda:12.6", *site.options)
    assert f"cpu → {project.name}:cpu" in built.output
    names = [f"{project.name}:{each}" for each in ("cpu", "cuda-12.6")]
    try:
        assert cnbkit("run", names[0]).output == "torch 2.8.0+cpu, built for cpu, runs on cpu\n"
        output = cnbkit("run", names[1], "--env", "BPL_CUDA_CHECK=off").output
        assert output == "torch 2.8.0+cu126, built for CUDA 12.6, runs on cpu\n"
        cpu, cuda = (Image.from_store(project.store, name) for name in names)
        shared = {each.digest for each in cpu.layers} & {each.digest for each in cuda.layers}
        # What both need lies in layers of the same digest: base, launcher, light packages.
        kinds = {each.what for each in cuda.layers if each.digest in shared}
        assert {"cnbkit/pip:wheels-light-", "cnbkit/start:limits"} <= kinds
        assert kinds.isdisjoint({TORCH, ACCELERATOR})
        [together] = built.lines("  together")
        assert "shared: bytes that are not stored twice" in together
    finally:
        for name in names:
            project.engine.remove(name)

"""One word in hardware.txt, and the image gets the wheels for it: real lifecycle, real uv."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from .accelerators import Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Project

APP = "import idna, torch; print(torch.VERSION, idna.VERSION)\n"
TORCH, ACCELERATOR, LIGHT = (
    f"cnbkit/pip:wheels-{each}" for each in ("torch", "accelerator-", "light-")
)


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
    assert changed == {TORCH, ACCELERATOR, *OWN, "config", "app"}
    labels = project.image().labels
    assert labels["io.cnbkit.hardware"] == "cuda:12.6"
    assert labels["io.cnbkit.cuda"] == "12.6"
    assert labels["io.cnbkit.cuda.driver"] == ">=525.60.13"

    # Nothing changed: labels are there as before, with the cache and without it.
    assert "unchanged" in project.build(*site.options).output
    assert project.image().labels == labels
    assert project.layers() == cuda

    project.write({"hardware.txt": "cpu\n"})
    project.build(*site.options)
    assert {**project.layers(), "app": ""} == {**cpu, "app": ""}

"""One word in hardware.txt, and the image gets the wheels for it: real lifecycle, real uv."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.build.cache import app_cache
from cnbkit_engine.lifecycle.install import ensure_crane
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.testing.docker import LocalRegistry
from cnbkit_pip.layers.partition import LIGHT

from .accelerators import Site
from .channel import Channel, Server
from .conftest import ROOT, cnbkit
from .test_frontends import PDM, pdm_home, tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .conftest import Project

EXAMPLE = ROOT / "examples" / "hardware"
UV = Path(sys.executable).with_name("uv")
APP = "import idna, torch; print(torch.VERSION, idna.VERSION)\n"
TORCH, ACCELERATOR = "cnbkit/pip:wheels-torch", "cnbkit/pip:accelerator-wheels"
OWN = ("cnbkit/pip:site", "cnbkit/cuda:device")


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
    assert "4 packages fewer: " in built.output
    assert "MB less to download" in built.output
    assert project.run() == "2.8.0+cpu 3.10\n"
    cpu = project.layers()
    assert ACCELERATOR not in cpu
    assert not nvidia(project.image())

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
    # NVIDIA's runtime sees only what the image's configuration has, which comes by the run image.
    asked = {"NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}
    assert nvidia(project.image()) == asked
    rebased = cnbkit("rebase", project.name)
    assert rebased.code == 0, rebased.output
    assert nvidia(project.image()) == asked
    assert (project.image().base or "").endswith(f"/cnbkit/run-cuda:{DEFAULT.name}")

    # Nothing changed: the labels are there as before, with the cache and without it.
    for _ in range(2):
        assert "unchanged" in project.build(*site.options).output
        assert project.image().labels["io.cnbkit.cuda"] == "12.6"
        assert project.layers() == cuda
        shutil.rmtree(app_cache(project.home, Reference.parse(project.name)) / "layers")

    project.write({"hardware.txt": "cpu\n"})
    project.build(*site.options)
    assert {**project.layers(), "app": ""} == {**cpu, "app": ""}
    assert not nvidia(project.image())


def nvidia(image: Image) -> dict[str, str]:
    """What the image's configuration tells NVIDIA's runtime."""
    return {key: value for key, value in image.env.items() if key.startswith("NVIDIA_")}


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
    layer = "/layers/cnbkit_pip/accelerator-wheels"
    assert f"{layer}/prefix/lib/python{DEFAULT.python}/site-packages/nvidia/cudnn/lib" in output
    failed = project.run(*host, "--env", "BPL_CUDA_CHECK=fail", code=82)
    assert "525.60.13" in failed
    assert "accelerator-wheels" not in failed


SAYS = """
import ctypes, os, torch
words = [torch.VERSION, os.environ.get("PJRT_DEVICE", "-")]
for name in ("jax", "libtpu", "ai_edge_litert"):
    try:
        words.append(__import__(name).VERSION)
    except ImportError:
        words.append("-")
try:
    ctypes.CDLL("libedgetpu.so.1")
    words.append("edgetpu")
except OSError:
    words.append("-")
print(*words)
"""
# Word → what the app says of its image, and a line of the build.
IMAGES = {
    "coral": ("2.8.0+cpu - 0.8.0 - 2.3.0 edgetpu", "coral: torch 2.8.0+cpu from"),
    "tpu": ("2.8.0+cpu TPU 0.8.0 0.0.50 2.3.0 -", "tpu: 1 package more: libtpu"),
    "rocm:6.4": ("2.8.0+rocm6.4 - 0.8.0 - 2.3.0 -", "rocm:6.4: torch 2.8.0+rocm6.4 from"),
    "neuron": ("2.8.0+cpu - 0.8.0 - 2.3.0 -", "neuron: none of torch-neuronx"),
}


def test_each_word_gets_its_wheels_its_environment_and_its_labels(
    project: Project, site: Site
) -> None:
    site.publish_torch()
    site.publish("torch", "2.8.0+rocm6.4", index="rocm6.4", needs=["idna"])
    site.publish("jax", "0.8.0", extras=[("tpu", "libtpu")])
    site.publish("libtpu", "0.0.50")
    site.publish("ai-edge-litert", "2.3.0")
    library = project.app / "edge" / "libedgetpu.so.1.0"
    library.parent.mkdir()
    empty = ["gcc", "-shared", "-x", "c", "/dev/null", "-Wl,-soname,libedgetpu.so.1", "-o"]
    subprocess.run([*empty, library], check=True)
    project.write({"app.py": SAYS, "requirements.txt": "torch==2.8.0\njax\nai-edge-litert\n"})
    coral = ("--env", "BP_CORAL_RUNTIME=edge/libedgetpu.so.1.0")
    built = project.build("--hardware", ",".join(IMAGES), *site.options, *coral)
    names = {word: f"{project.name}:{word.replace(':', '-')}" for word in IMAGES}
    try:
        images = {word: Image.from_store(project.store, names[word]) for word in IMAGES}
        for word, (says, line) in IMAGES.items():
            run = cnbkit("run", names[word])
            assert run.output.splitlines()[-1] == says
            # Only Coral's image looks for its device before the app starts.
            assert ("Edge TPU" in run.output) == (word == "coral")
            assert line in built.output
            labels = images[word].labels
            assert labels["io.cnbkit.hardware"] == word
            assert not [name for name in labels if name.startswith("io.cnbkit.cuda")]
        # What does not depend on the word is the same in all.
        light = [
            {each.digest for each in image.layers if each.what.startswith(f"cnbkit/pip:{LIGHT}")}
            for image in images.values()
        ]
        assert set.intersection(*light)
    finally:
        for name in names.values():
            project.engine.remove(name)


def lock_with_poetry(project: Project, index: str) -> None:
    project.write(
        {
            "pyproject.toml": '[tool.poetry]\nname = "app"\nversion = "1"\ndescription = ""\n'
            'authors = []\npackage-mode = false\n[tool.poetry.dependencies]\npython = "^3.11"\n'
            f'torch = "2.8.0"\n[[tool.poetry.source]]\nname = "own"\nurl = "{index}"\n'
        }
    )
    home = {"HOME": str(project.app.parent / "home"), "POETRY_VIRTUALENVS_CREATE": "false"}
    tool(project, "poetry", "lock", "--quiet", env=home)


def lock_with_pipenv(project: Project, index: str) -> None:
    project.write(
        {
            "Pipfile": f'[[source]]\nname = "own"\nurl = "{index}"\nverify_ssl = false\n'
            '[packages]\ntorch = "==2.8.0"\n'
        }
    )
    home = {
        "HOME": str(project.app.parent / "home"),
        "WORKON_HOME": str(project.app.parent / "environments"),
        "PIPENV_IGNORE_VIRTUALENVS": "1",
    }
    tool(project, "pipenv", "lock", "--quiet", "--python", sys.executable, env=home)


def lock_with_pdm(project: Project, index: str) -> None:
    project.write(
        {
            "pyproject.toml": '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\n'
            'dependencies = ["torch==2.8.0"]\n[tool.pdm]\ndistribution = false\n'
            f'[[tool.pdm.source]]\nname = "pypi"\nurl = "{index}"\nverify_ssl = false\n'
        }
    )
    run = ("uv", "tool", "run", "--quiet", "--python", sys.executable, "--from", PDM, "pdm")
    tool(project, *run, "lock", "--quiet", env=pdm_home(project))


@pytest.mark.parametrize(
    ("lock", "name", "word", "version"),
    [
        pytest.param(lock_with_poetry, "poetry.lock", "rocm:6.4", "2.8.0+rocm6.4", id="poetry"),
        pytest.param(lock_with_pipenv, "Pipfile.lock", "cpu", "2.8.0+cpu", id="pipenv"),
        pytest.param(lock_with_pdm, "pdm.lock", "tpu", "2.8.0+cpu", id="pdm"),
    ],
)
def test_locks_of_other_tools_get_the_words_wheels_and_keep_all_else(
    project: Project,
    site: Site,
    lock: Callable[[Project, str], None],
    name: str,
    word: str,
    version: str,
) -> None:
    site.publish_torch()
    site.publish("torch", "2.8.0+rocm6.4", index="rocm6.4", needs=["idna"])
    project.write({"app.py": APP, "hardware.txt": f"{word}\n"})
    lock(project, site.simple)
    # Newer than the lock, and not to be taken.
    site.publish("idna", "3.11")
    built = project.build(*site.options)
    assert f"Installing from {name}" in built.output
    assert f"{word}: torch {version} from" in built.output
    assert "packages fewer: nvidia-cublas-cu12, nvidia-cuda-runtime-cu12" in built.output
    assert project.run() == f"{version} 3.10\n"
    assert project.image().labels["io.cnbkit.hardware"] == word


def test_a_conda_environment_gets_the_builds_of_its_hardware(
    project: Project, tmp_path: Path
) -> None:
    channel = Channel(tmp_path / "channels" / "own")
    channel.add("vision", "1.0", {"share/vision": "for cpu\n"}, build="cpu_0")
    cuda = {"share/vision": "for cuda\n"}
    channel.add("vision", "1.0", cuda, build="cuda_0", number=1, depends=["__cuda >=12.8"])
    channel.index()
    project.write({"Procfile": "web: cat $CONDA_PREFIX/share/vision\n"})
    words = {"cpu": "for cpu\n", "cuda:12.6": "for cpu\n", "cuda:12.8": "for cuda\n"}
    names = {word: f"{project.name}:{word.replace(':', '-')}" for word in words}
    with Server(channel.folder.parent) as server:
        place = f"{server.url}/own"
        project.write({"environment.yml": f"channels: ['{place}']\ndependencies: [vision]\n"})
        project.build("--hardware", ",".join(words))
    try:
        for word, says in words.items():
            assert cnbkit("run", names[word], "--env", "BPL_CUDA_CHECK=off").output == says
            image = Image.from_store(project.store, names[word])
            assert image.labels["io.cnbkit.hardware"] == word
            assert bool(nvidia(image)) == word.startswith("cuda")
    finally:
        for name in names.values():
            project.engine.remove(name)


def test_variants_in_a_registry_share_layers_and_ask_for_gpus_where_they_use_them(
    project: Project, tmp_path: Path
) -> None:
    project.write({"app.py": "print(1)\n", "requirements.txt": "six==1.17.0\n"})
    crane = ensure_crane(project.home, arch=machine_architecture())
    registry = LocalRegistry(crane, tmp_path / "registry")
    reference = f"{registry.host}/{project.name}"
    try:
        built = cnbkit(
            "build", str(project.app), "--publish", reference, "--hardware", "cpu,cuda:12.8"
        )
        assert built.code == 0, built.output
        images = []
        for tag in ("cpu", "cuda-12.8"):
            Remote(f"{reference}:{tag}").pull(tmp_path / tag, machine_architecture())
            store = ImageStore(tmp_path / tag)
            images.append(Image.from_store(store, store.names()[0]))
    finally:
        registry.stop()
    cpu, cuda = images
    assert not nvidia(cpu)
    assert nvidia(cuda)["NVIDIA_VISIBLE_DEVICES"] == "all"
    own = {layer.digest for layer in cuda.layers} - {layer.digest for layer in cpu.layers}
    kinds = {layer.what for layer in cuda.layers if layer.digest in own}
    assert kinds <= {"cnbkit/cuda:device", "cnbkit/tpu:device", "config", "sbom", "process-types"}
    rows = [built.lines(f"  {reference}:{tag} ") for tag in ("cpu", "cuda-12.8")]
    assert [len(row) for row in rows] == [1, 1], built.output
    [together] = built.lines("  together")
    assert "shared: bytes that are not stored twice" in together


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
        assert "cnbkit/start:limits" in kinds
        assert any(each.startswith(f"cnbkit/pip:{LIGHT}") for each in kinds)
        assert kinds.isdisjoint({TORCH, ACCELERATOR})
        [together] = built.lines("  together")
        assert "shared: bytes that are not stored twice" in together
    finally:
        for name in names:
            project.engine.remove(name)

"""The run image for GPUs is the plain one with NVIDIA's variables, taken for the words of CUDA."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cnbkit_engine.base.gpu import asks_for_gpus, dockerfile, gpu_run_image, stands_on_gpus
from cnbkit_engine.base.recipe import RECIPES
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.store import ImageStore

from ..oci.test_store import put_image

ROOT = Path(__file__).parents[3]
TABLE = "[tool.cnbkit]\nhardware = "


@pytest.fixture
def builder(tmp_path: Path) -> Path:
    """As assembled: what the cuda buildpack says of itself, and another one."""
    for name in ("cuda", "pip"):
        folder = tmp_path / f"builder/buildpacks/cnbkit_{name}/0.1.0"
        folder.mkdir(parents=True)
        shutil.copy(ROOT / "buildpacks" / name / "buildpack.toml", folder)
    return tmp_path / "builder"


@pytest.mark.parametrize(
    ("files", "setting", "expected"),
    [
        ({}, "", False),
        ({}, "cuda:12.8", True),
        ({}, "AWS", True),
        ({"hardware.txt": "# big\n\nCUDA:12.8, amd64  # A100\n"}, "", True),
        ({"hardware.txt": "cpu  # not cuda\n"}, "", False),
        ({"hardware.txt": "cuda\n"}, "cpu", False),
        ({"hardware.txt": "cpu\n", "pyproject.toml": f'{TABLE}"cuda"\n'}, "", False),
        ({"pyproject.toml": f'{TABLE}["arm64", "gpu"]\n'}, "", True),
        ({"pyproject.toml": f'{TABLE}"rocm"\n'}, "", False),
        # What is not TOML, no text or no list is the buildpack's to refuse.
        ({"pyproject.toml": f"{TABLE}cuda\n"}, "", False),
        ({"pyproject.toml": f"{TABLE}12\n"}, "", False),
        ({"pyproject.toml": "[tool.cnbkit]\n"}, "", False),
        ({"hardware.txt": b"\xff\xfecuda"}, "", False),
    ],
)
def test_the_first_that_names_hardware_decides(
    builder: Path, tmp_path: Path, files: dict[str, str | bytes], setting: str, expected: bool
) -> None:
    app = tmp_path / "app"
    app.mkdir()
    for name, content in files.items():
        (app / name).write_bytes(content.encode() if isinstance(content, str) else content)
    env = {"BP_HARDWARE": setting} if setting else {}
    assert asks_for_gpus(app, env, builder) is expected


def test_a_builders_own_setting_is_a_default_or_overrides(builder: Path, tmp_path: Path) -> None:
    configured = builder / "build-config" / "env"
    configured.mkdir(parents=True)
    (configured / "BP_HARDWARE").write_text("cuda")
    assert asks_for_gpus(tmp_path, {}, builder)
    assert not asks_for_gpus(tmp_path, {"BP_HARDWARE": "cpu"}, builder)
    (configured / "BP_HARDWARE.override").write_text("cuda:12.6")
    assert asks_for_gpus(tmp_path, {"BP_HARDWARE": "cpu"}, builder)


def test_a_builder_without_the_cuda_buildpack_has_no_such_words(
    builder: Path, tmp_path: Path
) -> None:
    shutil.rmtree(builder / "buildpacks" / "cnbkit_cuda")
    assert not asks_for_gpus(tmp_path, {"BP_HARDWARE": "cuda"}, builder)


def test_the_image_is_the_plain_one_with_the_variables_and_follows_it(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    put_image(store, "cnbkit/run:bookworm-arm64")
    name = gpu_run_image(store, "cnbkit/run:bookworm-arm64")
    assert name == "cnbkit/run-cuda:bookworm-arm64"
    plain, made = (
        Image.from_store(store, "cnbkit/run:bookworm-arm64"),
        Image.from_store(store, name),
    )
    assert made.layers == plain.layers
    assert plain.env == {}
    assert made.env == {
        "NVIDIA_VISIBLE_DEVICES": "all",
        "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
    }
    gpu_run_image(store, "cnbkit/run:bookworm-arm64")
    assert Image.from_store(store, name) == made

    put_image(store, "cnbkit/run:bookworm-arm64", "patched")
    patched = Image.from_store(store, gpu_run_image(store, "cnbkit/run:bookworm-arm64"))
    assert patched.layers != made.layers
    assert patched.env == made.env


def test_an_image_says_which_of_the_two_it_stands_on() -> None:
    assert stands_on_gpus("store.localhost:5095/cnbkit/run-cuda:bookworm")
    assert not stands_on_gpus("store.localhost:5095/cnbkit/run:bookworm")
    assert not stands_on_gpus("")


def test_the_dockerfile_is_in_step() -> None:
    path = RECIPES / "run-cuda.Dockerfile"
    assert path.read_text() == dockerfile(), f"python -m cnbkit_engine.base.gpu > {path}"

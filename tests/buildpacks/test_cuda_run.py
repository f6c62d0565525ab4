"""The run image for GPUs by an image extension."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit_cuda_run import WORDS, CudaRun

if TYPE_CHECKING:
    from cnbkit.testing import BuildpackRun

BUILDPACKS = Path(__file__).parents[2] / "buildpacks"
ENV = {"BP_CUDA_RUN_IMAGE": "registry.example.com/run:1-cuda"}


@pytest.mark.parametrize("word", [*WORDS, "cuda:12.8"])
def test_the_run_image_is_switched_for_every_word_of_these_gpus(
    buildpack_run: BuildpackRun, word: str
) -> None:
    result = buildpack_run(CudaRun, app={"hardware.txt": f"# ours\n{word}\n"}, env=ENV)
    assert result.code == 0, result.log
    assert result.dockerfiles == {"run": "FROM registry.example.com/run:1-cuda\n"}


def test_the_words_are_those_of_the_buildpack_for_these_gpus() -> None:
    document = tomllib.loads((BUILDPACKS / "cuda" / "buildpack.toml").read_text())
    assert document["metadata"]["cnbkit"]["hardware"] == [*WORDS]


@pytest.mark.parametrize(
    ("app", "env", "why"),
    [
        ({"hardware.txt": "cpu\n"}, ENV, "nothing names NVIDIA GPUs"),
        ({"pyproject.toml": "[project]\n"}, ENV, "nothing names NVIDIA GPUs"),
        ({"hardware.txt": "cuda\n"}, {}, "BP_CUDA_RUN_IMAGE names no run image for them"),
    ],
)
def test_otherwise_it_takes_no_part(
    buildpack_run: BuildpackRun, app: dict[str, str], env: dict[str, str], why: str
) -> None:
    result = buildpack_run(CudaRun, app=app, env=env)
    assert (result.detected, result.reason) == (False, why)


def test_what_is_no_name_of_an_image_is_refused(buildpack_run: BuildpackRun) -> None:
    env = {"BP_CUDA_RUN_IMAGE": "run:1\nRUN evil", "BP_HARDWARE": "cuda"}
    result = buildpack_run(CudaRun, env=env)
    assert result.code == 65
    assert "BP_CUDA_RUN_IMAGE" in str(result.fault)

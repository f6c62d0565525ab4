"""bench/gpu.sh where it cannot do its work: one line that says why, and an exit status for it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "bench" / "gpu.sh"
TOOLS = ("dirname", "grep", "tail", "sh")


def run(root: Path, path: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT, *arguments],
        env={**os.environ, "CNBKIT_CUDA_ROOT": str(root), "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A root with an NVIDIA driver in it, and `bin` with what the script calls."""
    (tmp_path / "proc/driver/nvidia").mkdir(parents=True)
    (tmp_path / "proc/driver/nvidia/version").write_text("NVRM version: NVIDIA 570.86.15\n")
    (tmp_path / "bin").mkdir()
    for name in TOOLS:
        place = next(p for p in ("/usr/bin", "/bin") if Path(p, name).exists())
        (tmp_path / "bin" / name).symlink_to(Path(place, name))
    return tmp_path


def docker(host: Path, script: str) -> None:
    (host / "bin/docker").write_text(f"#!/bin/sh\n{script}\n")
    (host / "bin/docker").chmod(0o755)


def test_without_a_gpu_it_says_so(tmp_path: Path) -> None:
    done = run(tmp_path, os.environ["PATH"])
    assert done.returncode == 69
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("gpu: there is no NVIDIA GPU here")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (None, "gpu: there is no docker: install Docker"),
        (
            "echo a >&2; echo Cannot connect >&2; exit 1",
            "gpu: the Docker engine does not answer: Cannot connect",
        ),
        ("echo runc; echo io.containerd.runc.v2", "gpu: Docker has no runtime nvidia: install"),
    ],
)
def test_a_missing_tool_is_named(host: Path, script: str | None, said: str) -> None:
    if script:
        docker(host, script)
    done = run(host, str(host / "bin"))
    assert (done.returncode, done.stdout) == (69, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(said)


@pytest.mark.parametrize("arguments", [("cpu",), ("cuda:",), ("cuda", "12.8")])
def test_other_words_are_wrong_usage(host: Path, arguments: tuple[str, ...]) -> None:
    done = run(host, str(host / "bin"), *arguments)
    assert done.returncode == 64
    assert done.stderr == "usage: bench/gpu.sh [cuda:VERSION]\n"

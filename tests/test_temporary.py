"""What tests' programs leave is gone with the session; nothing of it lies in a person's home."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LEAVES = """
import os, subprocess, tempfile

def test_of_all_sorts(tmp_path):
    made = subprocess.run(["mktemp"], capture_output=True, text=True, check=True).stdout.strip()
    cache = os.environ["POETRY_CACHE_DIR"]
    print("seen", os.path.dirname(made), cache, tempfile.gettempdir(), tmp_path)
"""
KEEPS = """
def test_passes(tmp_path):
    (tmp_path / "gigabytes").write_text("x")
    (tmp_path / "closed").mkdir(mode=0o555)

def test_sees_what_is_left(tmp_path):
    print("left", [path.name for path in tmp_path.parent.glob("test_*") if not path.is_symlink()])

def test_fails(tmp_path, request):
    (tmp_path / "evidence").write_text("x")
    assert request.config.getoption("keyword")
"""


def test_this_session_has_such_a_folder() -> None:
    folder = Path(os.environ["TMPDIR"])
    assert folder.parent == Path(tempfile.gettempdir())
    assert folder.stat().st_mode & 0o7777 == 0o1777


@pytest.mark.parametrize("workers", ["0", "1"])
def test_another_session_has_its_own_and_removes_it(tmp_path: Path, workers: str) -> None:
    place = tmp_path / "place"
    done = session(tmp_path, LEAVES, "-n", workers)
    assert done.returncode == 0, done.stdout + done.stderr
    [line] = [line for line in done.stdout.splitlines() if line.startswith("seen ")]
    _, temporary, cache, own, tests = line.split()
    assert Path(temporary).parent == place
    assert cache == f"{temporary}/poetry"
    assert own == str(place)
    assert Path(tests).is_relative_to(place)
    assert [path.name for path in place.iterdir() if not path.name.startswith("pytest-of-")] == []
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("workers", ["0", "1"])
def test_what_a_test_wrote_goes_with_it_unless_it_fails(tmp_path: Path, workers: str) -> None:
    place = tmp_path / "place"
    for _ in range(2):  # of the second as well: what the first kept goes with it
        failing = session(tmp_path, KEEPS, "-n", workers)
        assert failing.returncode == 1, failing.stdout + failing.stderr
        assert "left ['test_sees_what_is_left0']" in failing.stdout
        [kept] = place.rglob("evidence")
        assert kept.parent.name == "test_fails0"
        assert list(place.rglob("gigabytes")) == []


@pytest.mark.parametrize("workers", ["0", "1"])
def test_where_all_pass_nothing_is_left(tmp_path: Path, workers: str) -> None:
    passing = session(tmp_path, KEEPS, "-n", workers, "-k", "test")
    assert passing.returncode == 0, passing.stdout + passing.stderr
    assert "left ['test_sees_what_is_left0']" in passing.stdout
    assert [path for path in (tmp_path / "place").rglob("*") if path.is_file()] == []


def session(folder: Path, tests: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Another session, with this project's settings and a folder for temporary files, `place`."""
    (folder / "test_some.py").write_text(tests)
    (folder / "place").mkdir(exist_ok=True)
    variables = {"PYTHONPATH": str(ROOT), "TMPDIR": f"{folder}/place", "CNBKIT_TEST_DOWNLOADS": ""}
    variables |= {"PATH": os.environ["PATH"], "HOME": str(folder / "home")}
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "-rP"]
    command += ["--rootdir", ".", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, *options, "test_some.py"],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )

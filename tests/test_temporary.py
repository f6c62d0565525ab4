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


def test_this_session_has_such_a_folder() -> None:
    folder = Path(os.environ["TMPDIR"])
    assert folder.parent == Path(tempfile.gettempdir())
    assert folder.stat().st_mode & 0o7777 == 0o1777


@pytest.mark.parametrize("workers", ["0", "1"])
def test_another_session_has_its_own_and_removes_it(tmp_path: Path, workers: str) -> None:
    (tmp_path / "conftest.py").write_text("pytest_plugins = ['tests.conftest']\n")
    (tmp_path / "test_leaves.py").write_text(LEAVES)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    place = tmp_path / "place"
    place.mkdir()
    variables = {"PYTHONPATH": str(ROOT), "TMPDIR": str(place), "CNBKIT_TEST_DOWNLOADS": ""}
    variables |= {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "pytest", "-c", "pytest.ini", "-W", "ignore", "-rP"]
    done = subprocess.run(
        [*command, "-n", workers, "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [line] = [line for line in done.stdout.splitlines() if line.startswith("seen ")]
    _, temporary, cache, own, tests = line.split()
    assert Path(temporary).parent == place
    assert cache == f"{temporary}/poetry"
    assert own == str(place)
    assert Path(tests).is_relative_to(place)
    assert [path.name for path in place.iterdir() if not path.name.startswith("pytest-of-")] == []
    assert not (tmp_path / "home").exists()

"""Tests hold in other people's shells."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .shell import plain

ROOT = Path(__file__).resolve().parents[1]
# A person's, in the middle of other work.
SHELL = {
    "PYTEST_ADDOPTS": "-q --maxfail=3",
    "PYTHONPATH": "{folder}",
    "VIRTUAL_ENV": "/nonexistent/venv",
    "BP_PYTHON_VERSION": "2.7",
    "BP_LOG_LEVEL": "debug",
    "BPE_GREETING": "hello",
    "CNB_PLATFORM_API": "0.1",
    "LC_ALL": "de_DE.UTF-8",
    "LANGUAGE": "de",
    "TZ": "Asia/Tokyo",
    "FORCE_COLOR": "1",
}


def test_only_what_says_where_things_are_stays() -> None:
    where = {"PATH": "/bin", "HOME": "/home/me", "CNBKIT_HOME": "/state", "PIP_INDEX_URL": "x"}
    locale = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    assert plain({**where, **SHELL}) == {**where, **locale}


def test_this_test_runs_in_such_an_environment() -> None:
    left = {name for name in os.environ if name in SHELL or name.startswith(("BP_", "CNB_"))}
    assert left == {"LC_ALL"}
    assert os.environ["LC_ALL"] == "C.UTF-8"


@pytest.mark.full
@pytest.mark.parametrize(
    "tests",
    [
        "tests/engine/cli/test_test.py",
        "tests/test_everything.py",
        "tests/sdk/testing/test_buildpack_run.py",
    ],
)
def test_tests_that_start_others_pass_in_a_persons_shell(tests: str, tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise ImportError('not this one')\n")
    shell = {name: value.format(folder=tmp_path) for name, value in SHELL.items()}
    # Its own start is the person's affair.
    code = (
        "import sys; sys.path.remove(sys.argv.pop(1)); import pytest;"
        "sys.exit(pytest.main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), tests],
        cwd=ROOT,
        env={**os.environ, **shell},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

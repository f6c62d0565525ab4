"""CI's last line is the sum of all that pytest said; a few tests that failed are tried again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RUNS = {
    "good": "def test_a(): pass\ndef test_b(): pass\n",
    "bad": "def test_a(): pass\ndef test_b(): assert False\n",
    "broken": "import pytest\n@pytest.fixture\ndef a(): assert False\ndef test_a(a): pass\n",
    "skipping": "import pytest\ndef test_a(): pytest.skip('no time')\n",
}


@pytest.mark.parametrize(
    ("runs", "code", "last"),
    [
        (["good"], 0, "2 passed, 0 failed"),
        (["good", "skipping"], 0, "2 passed, 0 failed, 1 skipped"),
        (["good", "bad"], 1, "3 passed, 1 failed"),
        (["good", "broken"], 1, "2 passed, 1 failed"),
        (["good", "gone"], 1, "2 passed, 1 failed"),
    ],
)
def test_all_runs_are_summed_up(tmp_path: Path, runs: list[str], code: int, last: str) -> None:
    files = [tmp_path / f"{name}.xml" for name in runs]
    for name, file in zip(runs, files, strict=True):
        if name in RUNS:
            module = tmp_path / f"test_{name}.py"
            module.write_text(RUNS[name])
            (tmp_path / "pytest.ini").write_text("[pytest]\n")
            command: list[str | Path] = [
                sys.executable,
                "-m",
                "pytest",
                "--quiet",
                f"--junit-xml={file}",
                module,
            ]
            subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "tally", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (code, last)


# What a test's folder has, for the second try of what failed there.
RACE = """import pathlib
def test_b():
    first = not pathlib.Path("tried").exists()
    pathlib.Path("tried").touch()
    assert not first
"""
MANY = "import pytest\n@pytest.mark.parametrize('n', range(4))\ndef test_b(n): assert False\n"
END = """import pathlib, pytest
@pytest.fixture
def a():
    yield
    first = not pathlib.Path("tried").exists()
    pathlib.Path("tried").touch()
    assert not first
def test_b(a): pass
"""


@pytest.mark.parametrize(
    ("module", "code", "said"),
    [
        (RACE, 0, ["Failed beside others, passed alone, and to be mended:", "2 passed, 0 failed"]),
        (END, 0, ["Failed beside others, passed alone, and to be mended:", "2 passed, 0 failed"]),
        (RUNS["bad"], 1, ["2 passed, 1 failed"]),
        (MANY, 1, ["1 passed, 4 failed"]),
        (RUNS["good"], 0, ["3 passed, 0 failed"]),
    ],
    ids=["a race", "a race at its end", "a fault", "four faults", "no fault"],
)
def test_up_to_three_that_failed_are_tried_again_alone_and_named(
    tmp_path: Path, module: str, code: int, said: list[str]
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    shutil.copy(ROOT / "tools" / "again", tools)
    (tools / "tests").write_text(
        "#!/bin/sh\nname=$1; shift\n"
        'exec "$PYTHON" -m pytest -q "--junit-xml=test-artefacts/$name.xml" "$@"\n'
    )
    (tools / "tests").chmod(0o755)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_good.py").write_text("def test_a(): pass\n")
    (tmp_path / "test_it.py").write_text(module)
    (tmp_path / "test-artefacts").mkdir()

    def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHON": sys.executable},
        )  # fmt: skip

    run(tools / "tests", "quick", "test_good.py")
    run(tools / "tests", "rest", "test_it.py")
    results = ["test-artefacts/quick.xml", "test-artefacts/rest.xml"]
    run(sys.executable, tools / "again", *results)
    again = tmp_path / "test-artefacts" / "again.xml"
    assert again.exists() == (module in (RACE, END, RUNS["bad"]))
    done = run(sys.executable, ROOT / "tools" / "tally", "--again", again, *results)
    assert done.returncode == code
    assert [line for line in said if line not in done.stdout.splitlines()] == []
    assert done.stdout.splitlines()[-1] == said[-1]

"""The last line that CI prints is the sum of all that pytest said."""

from __future__ import annotations

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

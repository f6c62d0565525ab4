"""What would be skipped fails, unless there is no time for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Nothing of the shell's, nor of the pytest that runs this.
PLAIN = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
SKIPPED = {
    "mark": "@pytest.mark.skipif(True, reason='no engine')\ndef test_a(): pass\n",
    "within": "def test_a(): pytest.skip('no engine')\n",
    "fixture": "@pytest.fixture\ndef it(): pytest.skip('no engine')\ndef test_a(it): pass\n",
    "module": "pytest.skip('no engine', allow_module_level=True)\n",
    "import": "pytest.importorskip('no_engine', reason='no engine')\n",
}


def test_what_would_be_skipped_fails_with_its_reason(tmp_path: Path) -> None:
    for name, text in SKIPPED.items():
        (tmp_path / f"test_{name}.py").write_text(f"import pytest\n{text}")
    expected = "import pytest\n@pytest.mark.xfail\ndef test_a(): assert False\n"
    (tmp_path / "test_expected.py").write_text(expected)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --continue-on-collection-errors\n")
    code, output = _pytest(tmp_path)
    assert code == 0, output
    assert "5 skipped, 1 xfailed" in output
    code, output = _pytest(tmp_path, "-p", "tests.everything")
    assert code == 1, output
    assert "1 failed, 1 xfailed, 4 errors" in output
    assert output.count("not tried: ") >= len(SKIPPED)
    assert output.count("no engine") >= len(SKIPPED)


def test_what_there_is_no_time_for_is_skipped_and_not_run(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("from tests.budget import pytest_runtest_setup\n")
    (tmp_path / "test_a.py").write_text("def test_a(): assert False\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    code, output = _pytest(tmp_path, "-p", "tests.everything", until="1")
    assert (code, "1 skipped" in output) == (0, True), output
    code, output = _pytest(tmp_path, "-p", "tests.everything", until=str(2**40))
    assert (code, "1 failed" in output) == (1, True), output


def _pytest(folder: Path, *options: str, until: str = "") -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", str(folder / "pytest.ini"), *options, str(folder)],
        cwd=ROOT,
        env={**PLAIN, "CNBKIT_TESTS_UNTIL": until},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout

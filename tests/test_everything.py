"""`make test-all` fails where `make test` would skip."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .conftest import collect_ignore

ROOT = Path(__file__).resolve().parents[1]
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


def test_the_target_tries_all_of_it() -> None:
    text = (ROOT / "Makefile").read_text()
    target = text[text.index("test-all:") :].split("\n\n")[0].splitlines()
    rest = [name for name in collect_ignore if (ROOT / "tests" / name).is_dir()]
    assert target[2].endswith("CNBKIT_NIGHTLY=1 .venv/bin/python -m pytest -p tests.everything")
    assert [line.rpartition("tests/")[2] for line in target[3:]] == rest
    assert all(" -p tests.everything tests/" in line for line in target[3:])


def _pytest(folder: Path, *options: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", str(folder / "pytest.ini"), *options, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout

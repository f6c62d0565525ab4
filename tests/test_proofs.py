"""A test that looks at nothing fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROVING = {
    "all of some": "def test_it(): assert all(each for each in [1])\n",
    "a loop over some": "def test_it():\n    for each in [1]:\n        assert each\n",
    "a loop that is not reached": (
        "def test_it():\n    if not ROOT:\n        for each in []:\n            assert each\n"
    ),
    "a loop that asserts nothing": "def test_it():\n    for each in []:\n        print(each)\n",
    "an inner loop, once": (
        "def test_it():\n    for each in [[], [1]]:\n        for one in each:\n"
        "            assert one\n"
    ),
    "a loop over a parameter": (
        "@pytest.mark.parametrize('given', [[], [1]])\ndef test_it(given):\n"
        "    for each in given:\n        assert each\n"
    ),
    "all of a property": "@given(st.just([]))\ndef test_it(items): assert all(items)\n",
    "a property": (
        "@given(st.just([]))\ndef test_it(items):\n    for each in items:\n        assert each\n"
    ),
}
NOT_PROVING = {
    "all of none": "def test_it(): assert all(each for each in [])\n",
    "a loop over none": "def test_it():\n    for each in []:\n        assert each\n",
    "decorated, with more than one line": (
        "@pytest.mark.parametrize('given', [[]])\ndef test_it(given):\n    found = given\n"
        "    for each in sorted(\n        found\n    ):\n"
        "        assert (\n            each\n        )\n"
    ),
    "an inner loop, never": (
        "def test_it():\n    for each in [[], []]:\n        for one in each:\n"
        "            assert one\n"
    ),
    "in a class": (
        "class TestA:\n    def test_it(self):\n        for each in []:\n            assert each\n"
    ),
}
HEAD = "import pytest\nfrom hypothesis import given, strategies as st\nROOT = '/'\n"
CONFTEST = "from tests.proofs import pytest_pyfunc_call\n"


@pytest.mark.parametrize("name", [*PROVING, *NOT_PROVING])
def test_only_what_looks_at_something_passes(name: str, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_it.py").write_text(HEAD + {**PROVING, **NOT_PROVING}[name])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) is (name in PROVING), done.stdout
    assert ("nothing" in done.stdout) is (name in NOT_PROVING), done.stdout

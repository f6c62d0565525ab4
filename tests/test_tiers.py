"""Each test is in one tier, and the Makefile's targets run all of them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from _pytest.mark.expression import Expression

from .tiers import group_of, tier_of

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("folder", "marks", "fixtures", "tier"),
    [
        ("sdk", set(), [], "quick"),
        ("", set(), [], "quick"),
        ("sdk", {"full"}, [], "full"),
        ("sdk", {"nightly"}, [], "nightly"),
        ("sdk", {"full", "nightly"}, [], "nightly"),
        ("engine", set(), ["tmp_path", "crane"], "full"),
        ("e2e", set(), [], "full"),
        ("e2e", {"smoke"}, [], "quick"),
        ("e2e", {"smoke"}, ["pack_services"], "full"),
        ("arm64", set(), ["crane"], "nightly"),
        ("nvidia", {"full"}, [], "full"),
    ],
)
def test_folder_marker_and_fixtures_decide(
    folder: str, marks: set[str], fixtures: list[str], tier: str
) -> None:
    assert tier_of(folder, marks, fixtures) == tier


def test_builds_are_shared_out_and_what_has_one_engine_stays_together() -> None:
    names = ("tests/e2e/test_a.py::test_b", "tests/e2e/test_a.py::test_c")
    assert len({group_of("e2e", name, []) for name in names}) == 2
    assert len({group_of("sdk", name, []) for name in names}) == 1
    assert len({group_of("e2e", name, ["pack_build", "pack_services"]) for name in names}) == 1


def test_one_worker_runs_a_file_and_several_files_of_one_group(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "import pytest\n"
        "@pytest.fixture\n"
        "def kpack(): pass\n"
        "from tests.tiers import (\n"
        "    pytest_collection_modifyitems, pytest_configure, pytest_runtest_logreport\n"
        ")\n"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    note = f"open({str(tmp_path)!r} + '/ran', 'a').write(f'{{os.environ[\"PYTEST_XDIST_WORKER\"]}} "
    for name in ("a", "b", "c", "d"):
        fixture, group = ("kpack", "go") if name in "cd" else ("", name)
        tests = "".join(
            f"def test_{number}({fixture}):\n    time.sleep(0.01)\n    {note}{group}\\n')\n"
            for number in range(10)
        )
        (tmp_path / f"test_{name}.py").write_text(f"import os\nimport time\n{tests}")
    command = ["-c", "pytest.ini", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-W", "ignore", "-rp", *command],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert "PASSED test_c.py::test_7\n" in done.stdout  # by its own name
    ran = (tmp_path / "ran").read_text().split("\n")[:-1]
    assert len(ran) == 40
    assert len(set(ran)) == 3, set(ran)
    assert len({line.split()[0] for line in ran}) == 2


_NOTE = """
import json, os
def pytest_collection_finish(session):
    found = [[item.nodeid, sorted({mark.name for mark in item.iter_markers()})]
             for item in session.items]
    with open(os.environ["NOTE"], "w") as file:
        json.dump(found, file)
"""


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, set[str]]]:
    """Markers of each test by its name, as two processes collect them."""
    folder = tmp_path_factory.mktemp("collections")
    (folder / "note_of_all.py").write_text(_NOTE)
    found = []
    for seed in ("1", "2"):
        note = folder / seed
        variables = {"PYTHONHASHSEED": seed, "PYTHONPATH": str(folder), "NOTE": str(note)}
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-p",
                "note_of_all",
                "--collect-only",
                "-qq",
                "-m",
                "",
            ],
            cwd=ROOT,
            env={**os.environ, **variables},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        found.append({name: set(marks) for name, marks in json.loads(note.read_text())})
    return found


@pytest.mark.full
def test_the_targets_run_each_test_once(collections: list[dict[str, set[str]]]) -> None:
    everything, _ = collections
    ran: list[str] = []
    for target in ("test", "test-rest", "test-nightly"):
        ran += _selected(everything, target)
    assert len(everything) > 1000
    assert sorted(ran) == sorted(everything)
    assert sorted(_selected(everything, "test-all")) == sorted(
        [*_selected(everything, "test"), *_selected(everything, "test-rest")]
    )


def _selected(tests: Mapping[str, set[str]], target: str) -> list[str]:
    """Names of the tests that a target runs first: what it gives to pytest is one expression."""
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("tools/tests "))
    _, _, option, text = shlex.split(line)
    assert option == "-m"
    expression = Expression.compile(text)  # pytest's own reading of it

    def runs(marks: set[str]) -> bool:
        return expression.evaluate(lambda name, /, **_: name in marks)

    return [name for name, marks in tests.items() if runs(marks)]


@pytest.mark.full
def test_tests_have_the_same_names_whenever_they_are_collected(
    collections: list[dict[str, set[str]]],
) -> None:
    """Two workers collect them at their own times, and pytest-xdist ends where names differ."""
    first, second = collections
    assert len(first) > 5000
    assert [*first] == [*second]

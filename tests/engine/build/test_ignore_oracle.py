"""Patterns are read as pack and Docker read them, by the libraries that they use."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from cnbkit_engine.build.dockerignore import DockerIgnore
from cnbkit_engine.build.ignore_rules import IgnoreRules

pytestmark = pytest.mark.full

_PIECES = ["a", "b", "ab", ".", "..", "/", "*", "**", "?", "!", "#", " ", "\\", ".py", "a.b", "["]
_STEPS = ["a", "b", "ab", "a.b", "x.py", ".a", "a b", "#", "!a", "[", "?", "*"]


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that asks those libraries."""
    folder = tmp_path_factory.mktemp("oracle") / "source"
    shutil.copytree(Path(__file__).with_name("ignore_oracle"), folder)
    subprocess.run(["go", "build", "-o", "oracle", "."], cwd=folder, check=True)
    return folder / "oracle"


@pytest.mark.parametrize("kind", ["pack", "docker"])
def test_patterns_are_read_as_the_tool_reads_them(oracle: Path, kind: str) -> None:
    made = random.Random(11)
    questions = []
    for _ in range(20_000):
        lengths = [made.randint(1, 5) for _ in range(made.choice([1, 2]))]
        patterns = ["".join(made.choices(_PIECES, k=length)) for length in lengths]
        questions.append((patterns, "/".join(made.choices(_STEPS, k=made.randint(1, 3)))))
    lines = "\n".join(json.dumps({"Kind": kind, "Patterns": p, "Path": f}) for p, f in questions)
    done = subprocess.run([oracle], input=lines, capture_output=True, text=True, check=True)
    differing = []
    right = 0
    for (patterns, path), line in zip(questions, done.stdout.splitlines(), strict=True):
        expected = json.loads(line)
        if expected is None:  # Docker ends the build with an error of syntax
            continue
        right += expected
        found = (
            IgnoreRules(patterns).match(path)
            if kind == "pack"
            else DockerIgnore("\n".join(patterns)).match(path)
        )
        if found != expected:
            differing.append((patterns, path, found))
    assert differing[:20] == []
    assert right > 1000

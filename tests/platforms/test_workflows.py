"""What holds for every workflow of the repository."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import check_jsonschema  # type: ignore[import-untyped]
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.fixture(params=FILES, ids=lambda path: str(path.stem))
def workflow(request: pytest.FixtureRequest) -> tuple[Path, dict[str, Any]]:
    return request.param, YAML(typ="safe").load(request.param.read_text())


def test_the_published_schema_takes_it(workflow: tuple[Path, dict[str, Any]]) -> None:
    arguments = ["--builtin-schema", "vendor.github-workflows", str(workflow[0])]
    assert CliRunner().invoke(check_jsonschema.main, arguments).exit_code == 0


def test_it_may_read_and_no_more_unless_a_job_says_so(
    workflow: tuple[Path, dict[str, Any]],
) -> None:
    path, document = workflow
    assert document["permissions"] == {"contents": "read"}
    for job in document["jobs"].values():
        assert job.get("timeout-minutes", 0) <= 90
        for step in job["steps"]:
            name = step.get("uses", "a/b@v1")
            assert re.fullmatch(r"[\w-]+/[\w-]+@(v\d+(\.\d+)*|release/v1|[0-9a-f]{40})", name), path


def test_the_targets_it_makes_exist(workflow: tuple[Path, dict[str, Any]]) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    steps = [step for job in workflow[1]["jobs"].values() for step in job["steps"]]
    called = {
        word
        for step in steps
        for line in step.get("run", "").splitlines()
        if line.startswith("make ")
        for word in line.split()[1:]
    }
    assert called <= targets


def test_paths_that_start_one_are_there() -> None:
    document = YAML(typ="safe").load((ROOT / ".github/workflows/arm64.yml").read_text())
    for pattern in document["on"]["pull_request"]["paths"]:
        assert list(ROOT.glob(pattern)), pattern


def test_files_that_name_a_cache_are_there() -> None:
    text = "".join(path.read_text() for path in FILES)
    groups = re.findall(r"hashFiles\(([^)]*)\)", text)
    patterns = {each for group in groups for each in re.findall(r"'([^']+)/\*\*'", group)}
    assert patterns
    missing = [each for each in patterns if not any(map(Path.is_file, ROOT.glob(f"{each}/**/*")))]
    assert missing == []

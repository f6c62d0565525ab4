"""The workflow that publishes a release: GitHub takes it, and what it does is what it may."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import check_jsonschema  # type: ignore[import-untyped]
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from cnbkit_engine.cli.group import cnbkit

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / ".github" / "workflows" / "release.yml"


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(FILE.read_text())["jobs"]
    return found


def _by_schema(path: Path) -> int:
    arguments = ["--builtin-schema", "vendor.github-workflows", str(path)]
    return int(CliRunner().invoke(check_jsonschema.main, arguments).exit_code)


def test_the_published_schema_takes_it_and_refuses_it_when_broken(tmp_path: Path) -> None:
    assert _by_schema(FILE) == 0
    broken = tmp_path / "release.yml"
    broken.write_text(FILE.read_text().replace("runs-on:", "run-on:"))
    assert _by_schema(broken) == 1


def test_nothing_is_published_before_the_tests_have_passed(jobs: dict[str, Any]) -> None:
    def needs(name: str) -> set[str]:
        told = jobs[name].get("needs", [])
        return {told} if isinstance(told, str) else set(told)

    def before(name: str) -> set[str]:
        found = needs(name)
        return found.union(*map(before, found)) if found else found

    assert all("test" in before(name) for name in jobs if name != "test")
    # A wheel, once published, stays: all else is there before.
    assert before("publish") == set(jobs) - {"publish"}
    for name, job in jobs.items():
        assert {*re.findall(r"needs\.(\w+)\.outputs", str(job))} <= needs(name), name


def test_only_jobs_that_need_it_may_write(jobs: dict[str, Any]) -> None:
    document = YAML(typ="safe").load(FILE.read_text())
    assert document["permissions"] == {"contents": "read"}
    for name, job in jobs.items():
        text = str(job["steps"])
        given = {key for key, value in job.get("permissions", {}).items() if value == "write"}
        attests = "attest-build-provenance" in text
        wanted = set()
        wanted |= {"id-token", "attestations"} if attests else set()
        wanted |= {"id-token"} if "pypi-publish" in text else set()
        wanted |= {"packages"} if "login-action" in text else set()
        wanted |= {"contents"} if "gh release" in text else set()
        assert given == wanted, name
        if "checkout" in text:
            assert "'persist-credentials': False" in text
    assert "secrets." not in FILE.read_text()


def test_actions_are_of_a_version(jobs: dict[str, Any]) -> None:
    used = {step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step}
    assert used
    for name in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@(v\d+(\.\d+)*|release/v1|[0-9a-f]{40})", name), name


def test_its_scripts_are_shell_and_call_commands_that_exist(
    jobs: dict[str, Any], tmp_path: Path
) -> None:
    scripts = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    for number, script in enumerate(scripts):
        file = tmp_path / f"{number}.sh"
        file.write_text(re.sub(r"\$\{\{.*?\}\}", "X", script))
        subprocess.run(["bash", "-n", file], check=True)
    text = "\n".join(scripts).replace("\\\n", " ")
    calls = re.findall(r"\.venv/bin/cnbkit (.*)", text)
    assert len(calls) >= 4
    for call in calls:
        name, *words = call.split(" | ")[0].split()
        command = cnbkit.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None, call
        known = {option for each in command.params for option in each.opts}
        assert {word for word in words if word.startswith("--")} <= known, call


def test_a_tag_that_is_not_the_version_stops_it(jobs: dict[str, Any], tmp_path: Path) -> None:
    script = next(step["run"] for step in jobs["test"]["steps"] if step.get("id") == "version")
    version = tomllib.loads((ROOT / "sdk/pyproject.toml").read_text())["project"]["version"]
    for name in ("sdk/pyproject.toml", "engine/pyproject.toml", "buildpacks/pyproject.toml"):
        (tmp_path / name).parent.mkdir()
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n## {version} (2027-01-01)\n")

    def run(tag: str) -> tuple[int, str]:
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "GITHUB_REF_NAME": tag, "GITHUB_OUTPUT": "output"},
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.returncode, done.stdout

    assert run(f"v{version}") == (0, "")
    assert (tmp_path / "output").read_text() == f"version={version}\n"
    assert run("v99.0.0") == (1, "sdk/pyproject.toml is not of 99.0.0\n")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n")
    assert run(f"v{version}") == (1, f"CHANGELOG.md has no {version}\n")


def test_both_projects_are_of_one_version() -> None:
    found = [
        tomllib.loads((ROOT / name / "pyproject.toml").read_text())["project"]
        for name in ("sdk", "engine", "buildpacks")
    ]
    assert found[0]["version"] == found[1]["version"]
    assert f"cnbkit=={found[0]['version']}" in found[1]["dependencies"]

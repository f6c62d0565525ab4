"""Versions of others' programs stand in one file, and a job finds out which are behind."""

from __future__ import annotations

import re
import subprocess
import tomllib
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from cnbkit_engine.ci import files
from cnbkit_engine.lifecycle.install import LIFECYCLE_VERSION
from cnbkit_engine.tools.pack import PACK_VERSION

ROOT = Path(__file__).resolve().parents[2]
FILE = Path(files.__file__).with_name("versions.toml")
WORKFLOWS = ROOT / ".github" / "workflows"


@pytest.fixture
def versions() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text())


@pytest.fixture
def tool() -> Any:
    """tools/newer-versions as a module."""
    loader = SourceFileLoader("newer_versions", str(ROOT / "tools" / "newer-versions"))
    spec = spec_from_loader("newer_versions", loader)
    assert spec
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_workflows_and_templates_use_the_versions_of_the_file(versions: dict[str, Any]) -> None:
    used = set()
    for path in [*WORKFLOWS.glob("*.yml"), *(ROOT / "platforms" / "github").rglob("*.yml")]:
        used |= set(re.findall(r"uses: ([\w-]+/[\w-]+)(?:/[\w-]+)*@(\S+)", path.read_text()))
    branches = {("pypa/gh-action-pypi-publish", "release/v1")}  # PyPI's own advice
    assert used - branches == {*versions["actions"].items()}
    templates = [*FILE.parent.rglob("*.tmpl")]
    assert len(templates) >= 9
    for path in templates:
        named = re.findall(r"@v?\d+[.\d]*\b|\b0\.\d+\.\d+\b", path.read_text())
        assert named == [], f"{path.name} names a version itself"


def test_programs_that_are_pinned_here_are_those_of_the_file(versions: dict[str, Any]) -> None:
    programs = {name: each["version"] for name, each in versions["programs"].items()}
    assert programs["lifecycle"] == LIFECYCLE_VERSION
    assert programs["pack"] == PACK_VERSION
    kpack = (ROOT / "tools" / "kpack" / "go.mod").read_text()
    assert f"github.com/pivotal/kpack v{programs['kpack']}\n" in kpack
    minor = ".".join(programs["kpack"].split(".")[:2])
    for page in ("kpack.md", "ci.md"):
        assert f"kpack {minor}" in (ROOT / "docs" / "howto" / page).read_text()


@pytest.mark.parametrize(
    ("version", "tags", "latest"),
    [
        ("v7", ["v6", "v8", "v8.1.0", "v10-beta"], "v8"),
        ("v6.1.0", ["v6.1.0", "v6.2.0", "v7"], "v6.2.0"),
        ("0.21.9", ["v0.21.9", "v0.21.20", "v0.22.0-rc.1"], "0.21.20"),
        ("0.40.9", ["0.40.8", "nightly"], "0.40.9"),
    ],
)
def test_the_newest_tag_written_alike_counts(
    tool: Any, version: str, tags: list[str], latest: str
) -> None:
    assert tool.newest(version, tags) == latest


def test_the_scheduled_job_fails_for_what_is_behind(
    tool: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = YAML(typ="safe").load((WORKFLOWS / "versions.yml").read_text())
    assert document["on"]["schedule"]
    steps = document["jobs"]["compare"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == ["tools/newer-versions"]

    there = tmp_path / "there"
    for name, version, repository in tool.watched(FILE.read_text()):
        folder = there / repository
        if not folder.exists():
            subprocess.run(["git", "init", "-q", folder], check=True)
            author = ["-c", "user.name=T", "-c", "user.email=t@example.com"]
            commit = ["git", *author, "commit", "-q", "--allow-empty", "-m", name]
            subprocess.run(commit, cwd=folder, check=True)
        subprocess.run(["git", "tag", "-f", version], cwd=folder, check=True, capture_output=True)
    monkeypatch.setattr(tool, "HOST", str(there))
    assert tool.main() == 0
    subprocess.run(["git", "tag", "v99"], cwd=there / "actions/checkout", check=True)
    assert tool.main() == 1

"""What the command itself imports, and the version it tells."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SLOW = {"email", "importlib.metadata", "zipfile", "pydantic", "logging", "subprocess", "tempfile"}


def test_the_version_is_told_without_reading_any_metadata() -> None:
    code = (
        "import sys\n"
        "from cnbkit_engine.cli.group import run\n"
        "assert run(['--version']) == 0\n"
        "print(*sys.modules)\n"
    )
    told = subprocess.check_output([sys.executable, "-c", code], text=True)
    version, modules = told.splitlines()
    project = tomllib.loads((ROOT / "sdk/pyproject.toml").read_text())["project"]
    assert version == f"cnbkit {project['version']}"
    assert "click.core" in modules.split()
    assert SLOW & {*modules.split()} == set()


@pytest.mark.parametrize("name", ["sdk", "engine", "buildpacks"])
def test_the_distributions_have_one_version(name: str) -> None:
    import cnbkit

    project = tomllib.loads((ROOT / name / "pyproject.toml").read_text())["project"]
    assert project["version"] == cnbkit.__version__

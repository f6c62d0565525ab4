"""Projects with a uv.lock: what is installed is what `uv sync` installs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .cases import tiered
from .harness import Case

if TYPE_CHECKING:
    from .conftest import Compare

PROJECT = """[project]
name = "app"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["six", "colorama; sys_platform == 'win32'"]
[dependency-groups]
dev = ["toml"]
train = ["iniconfig"]
"""
LOCK = (("uv", "lock", "--quiet", "--python", "{tools}/python"),)
SYNC = ("uv", "sync", "--quiet", "--frozen", "--no-dev")


def locked(name: str, pyproject: str, *options: str, **env: str) -> Case:
    """A project that uv locks."""
    return Case(
        name,
        {"pyproject.toml": pyproject},
        own=((*SYNC, *options),),
        lock=LOCK,
        buildpacks=("python", "uv", "pip"),
        env=env,
    )


CASES = [
    locked("without groups", PROJECT),
    locked("with a group", PROJECT, "--group", "train", BP_PYTHON_GROUPS="train"),
]


@pytest.mark.parametrize("case", tiered(CASES))
def test_the_image_has_what_uv_syncs(case: Case, compare: Compare) -> None:
    compare(case)

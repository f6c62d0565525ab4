"""The pytest plugin: fixtures. Everything behind them works without pytest, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit.testing.group import DetectGroup
    from cnbkit.testing.harness import BuildpackRun

__all__ = ["buildpack_run", "detect_group"]

# Imports stand in the fixtures: the plugin loads in every pytest session of the environment.


@pytest.fixture
def buildpack_run(tmp_path: Path) -> BuildpackRun:
    """Runs a buildpack's detect and build in this process; see `cnbkit.testing`."""
    from cnbkit.testing.harness import BuildpackRun

    return BuildpackRun(tmp_path / "buildpack_run")


@pytest.fixture
def detect_group(tmp_path: Path) -> DetectGroup:
    """Runs the detects of several buildpacks and decides; see `cnbkit.testing`."""
    from cnbkit.testing.group import DetectGroup

    return DetectGroup(tmp_path / "detect_group")

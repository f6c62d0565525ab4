"""The pytest plugin: fixtures. Everything behind them works without pytest, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit.testing.harness import BuildpackRun

__all__ = ["buildpack_run"]


@pytest.fixture
def buildpack_run(tmp_path: Path) -> BuildpackRun:
    """Runs a buildpack's detect and build in this process."""
    # Imported late: the plugin loads in every pytest session of the environment.
    from cnbkit.testing.harness import BuildpackRun

    return BuildpackRun(tmp_path / "buildpack_run")

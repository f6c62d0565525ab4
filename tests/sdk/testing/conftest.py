"""What the kit is checked against: the real lifecycle."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.lifecycle.install import ensure_lifecycle
from cnbkit_engine.state.home import Home

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def lifecycle() -> Path:
    """The folder with `launcher`, `creator` and the other phases."""
    arch = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    return ensure_lifecycle(Home.default(), arch=arch, progress=print)

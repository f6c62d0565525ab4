"""The pytest plugin: fixtures. Everything behind them works without pytest, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cnbkit.testing.group import DetectGroup
    from cnbkit.testing.harness import BuildpackRun
    from cnbkit_engine.testing.lifecycle import LifecycleBuild
    from cnbkit_engine.testing.pack import PackServices

__all__ = ["buildpack_run", "detect_group", "lifecycle_build", "pack_build", "pack_services"]

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


@pytest.fixture
def lifecycle_build(tmp_path: Path) -> Iterator[LifecycleBuild]:
    """Builds apps with the real lifecycle, without a container engine; see `cnbkit.testing`.

    Base images and the lifecycle are those of `cnbkit build`, made once a machine. Images and
    caches are removed when the test ends.
    """
    from cnbkit_engine.state.home import Home
    from cnbkit_engine.testing.engine import EmbeddedEngine
    from cnbkit_engine.testing.lifecycle import LifecycleBuild

    builds = LifecycleBuild(EmbeddedEngine(Home.default()), tmp_path / "lifecycle_build")
    yield builds
    builds.close()


@pytest.fixture(scope="session")
def pack_services() -> Iterator[PackServices]:
    """pack, a Docker engine and a registry, all of this session's own; see `cnbkit_engine.testing.pack`.

    Needs root, and Debian's docker.io.
    """
    from cnbkit_engine.state.home import Home
    from cnbkit_engine.testing.pack import PackServices

    services = PackServices(Home.default())
    yield services
    services.stop()


@pytest.fixture
def pack_build(tmp_path: Path, pack_services: PackServices) -> Iterator[LifecycleBuild]:
    """Builds apps with pack and a Docker engine; otherwise the same as `lifecycle_build`."""
    from cnbkit_engine.testing.lifecycle import LifecycleBuild
    from cnbkit_engine.testing.pack import PackEngine

    builds = LifecycleBuild(PackEngine(pack_services), tmp_path / "pack_build")
    yield builds
    builds.close()

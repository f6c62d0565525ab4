"""The engine's pytest plugin: real builds as fixtures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cnbkit_engine.testing.lifecycle import LifecycleBuild
    from cnbkit_engine.testing.pack_services import PackServices

__all__ = ["lifecycle_build", "pack_build", "pack_services"]

# Imports stand in the fixtures: the plugin loads in every pytest session of the environment.


@pytest.fixture
def lifecycle_build(tmp_path: Path) -> Iterator[LifecycleBuild]:
    """Builds apps with the real lifecycle, without a container engine; see `cnbkit_engine.testing`.

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
    """pack, a Docker engine and a registry of this session's own: `cnbkit_engine.testing.pack`.

    Needs root, and Debian's docker.io.
    """
    from cnbkit_engine.state.home import Home
    from cnbkit_engine.testing.pack_services import PackServices

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

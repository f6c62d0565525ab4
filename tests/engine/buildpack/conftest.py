"""Buildpacks to package, and registries to push them to."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.base.images import BaseImages, machine_architecture
from cnbkit_engine.lifecycle.install import ensure_crane
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    WriteBuildpack = Callable[..., Path]


@pytest.fixture(scope="session")
def base() -> Path:
    """The build root all builds on this machine share."""
    home = Home.default()
    return BaseImages(home, ImageStore(home.images)).ensure_build_root()


@pytest.fixture
def home(tmp_path: Path, base: Path) -> Home:
    """A home whose base images lie on another disk, as it were."""
    made = Home(tmp_path / "home")
    made.root.mkdir()
    made.base.symlink_to(base.parent)
    return made


@pytest.fixture
def root(home: Home, base: Path) -> Path:
    """That build root, as this home has it."""
    return home.base / base.name


@pytest.fixture(scope="session")
def crane() -> Path:
    """The program that looks at registries as others do."""
    return ensure_crane(Home.default(), arch=machine_architecture())


@pytest.fixture
def registry(crane: Path) -> Iterator[str]:
    """Host and port of a registry that is not ours."""
    with subprocess.Popen(
        [crane, "registry", "serve", "--address", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        assert server.stdout is not None
        line = next(line for line in server.stdout if "port" in line)
        yield f"127.0.0.1:{line.split()[-1]}"
        server.terminate()


@pytest.fixture
def bash(tmp_path: Path) -> WriteBuildpack:
    """Writes a buildpack in shell: `bash("a/b", "1.0.0", *arches)`."""

    def write(id_: str, version: str = "1.0.0", *arches: str) -> Path:
        folder = tmp_path / id_.replace("/", "-")
        (folder / "bin").mkdir(parents=True)
        targets = "".join(f'[[targets]]\nos = "linux"\narch = "{arch}"\n' for arch in arches)
        (folder / "buildpack.toml").write_text(
            f'api = "0.10"\n[buildpack]\nid = "{id_}"\nversion = "{version}"\n{targets}'
        )
        for program in ("detect", "build"):
            (folder / "bin" / program).write_text("#!/bin/sh\n")
            (folder / "bin" / program).chmod(0o755)
        return folder

    return write


@pytest.fixture
def composite(tmp_path: Path) -> WriteBuildpack:
    """Writes a composite: `composite("a/all", {"a/b": "1.0.0"}, ["../a-b"])`."""

    def write(id_: str, order: dict[str, str], dependencies: list[str]) -> Path:
        folder = tmp_path / id_.replace("/", "-")
        folder.mkdir()
        groups = "".join(
            f'[[order.group]]\nid = "{name}"\nversion = "{version}"\n'
            for name, version in order.items()
        )
        (folder / "buildpack.toml").write_text(
            f'api = "0.10"\n[buildpack]\nid = "{id_}"\nversion = "1.0.0"\n[[order]]\n{groups}'
        )
        (folder / "package.toml").write_text(
            '[buildpack]\nuri = "."\n'
            + "".join(f'[[dependencies]]\nuri = "{each}"\n' for each in dependencies)
        )
        return folder

    return write

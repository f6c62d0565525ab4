"""What all comparisons share: the buildpacks, and one test for every case."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
import tomllib
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit import UserFault

from ..e2e.index import PackageIndex
from .harness import Buildpacks, Case, Outcome, plain, prepared
from .prefix import Prefix
from .projects import library

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


@pytest.fixture(scope="session")
def buildpacks(tmp_path_factory: pytest.TempPathFactory) -> Buildpacks:
    """Our buildpacks, ready to run."""
    return Buildpacks(tmp_path_factory.mktemp("buildpacks"))


@pytest.fixture
def compare(buildpacks: Buildpacks, tmp_path: Path) -> Callable[..., Outcome]:
    """Install a case both ways, and assert that both come to the same; what ours came to."""

    def compare(
        case: Case,
        values: Mapping[str, str] | None = None,
        variants: Sequence[Mapping[str, str]] = ({},),
    ) -> Outcome:
        # One build of ours for each of `variants`, variables besides the case's.
        app = prepared(case, tmp_path / "prepared", values)
        theirs = plain(case, app, tmp_path / "venv", values)
        assert (theirs.code != 0) == case.refused, theirs.log
        assert case.refused or theirs.packages, theirs.log
        for number, variant in enumerate(variants):
            asked = dataclasses.replace(case, env={**case.env, **variant})
            ours = buildpacks.build(asked, app, tmp_path / f"build-{number}", values)
            expected = UserFault.exit_code if case.refused else 0
            assert ours.code == expected, (variant, ours.log)
            assert ours.packages == theirs.packages, (variant, ours.log)
        return ours

    return compare


@pytest.fixture
def both(
    buildpacks: Buildpacks, tmp_path: Path
) -> Iterator[Callable[[Case], tuple[Prefix, Prefix]]]:
    """Install a case both ways: the plain environment, and ours."""

    def both(case: Case) -> tuple[Prefix, Prefix]:
        app = prepared(case, tmp_path / "prepared")
        theirs = plain(case, app, tmp_path / "venv")
        assert theirs.code == 0, theirs.log
        ours = buildpacks.build(case, app, tmp_path / "build")
        assert ours.code == 0, ours.log
        assert ours.packages == theirs.packages
        own = tmp_path / "build/layers/pip/site/venv"
        return Prefix(tmp_path / "venv/bin/python"), Prefix(own / "bin/python")

    yield both
    # Gigabytes, which nobody looks at afterwards.
    for made in (tmp_path / "venv", tmp_path / "build"):
        shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def git_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository with the project `eggs` in its folder `py`."""
    root = tmp_path_factory.mktemp("eggs")
    (root / "py").mkdir()
    (root / "py" / "pyproject.toml").write_text(library("eggs", "iniconfig", version="2.0"))
    git = ("git", "-c", "user.name=T", "-c", "user.email=t@example.com")
    for arguments in (("init", "-qb", "main"), ("add", "."), ("commit", "-qm", "eggs")):
        subprocess.run([*git, *arguments], cwd=root, check=True)
    return root


@pytest.fixture(scope="session")
def private_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PackageIndex]:
    """An index with corplib 1.0 and 1.1, which no other index has."""
    with closing(PackageIndex(tmp_path_factory.mktemp("private"))) as index:
        index.add("corplib", "1.0", "1.1")
        yield index


@pytest.fixture(scope="session")
def default_index(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of this machine's package index, of which nothing stands in these files."""
    project = tmp_path_factory.mktemp("index")
    (project / "pyproject.toml").write_text(library("demo", "six"))
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "lock", "--quiet", "--python", sys.executable], cwd=project, check=True)
    packages = tomllib.loads((project / "uv.lock").read_text())["package"]
    return str(next(each for each in packages if each["name"] == "six")["source"]["registry"])

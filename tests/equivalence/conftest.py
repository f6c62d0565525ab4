"""What all comparisons share: the buildpacks, and one test for every case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit import UserFault

from .harness import Buildpacks, Case, Outcome, plain, prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


@pytest.fixture(scope="session")
def buildpacks(tmp_path_factory: pytest.TempPathFactory) -> Buildpacks:
    """Our buildpacks, ready to run."""
    return Buildpacks(tmp_path_factory.mktemp("buildpacks"))


@pytest.fixture
def compare(buildpacks: Buildpacks, tmp_path: Path) -> Callable[..., Outcome]:
    """Install a case both ways, and assert that both come to the same; what ours came to."""

    def compare(case: Case, values: Mapping[str, str] | None = None) -> Outcome:
        app = prepared(case, tmp_path / "prepared", values)
        theirs = plain(case, app, tmp_path / "venv", values)
        ours = buildpacks.build(case, app, tmp_path / "build", values)
        if case.refused:
            assert theirs.code != 0, theirs.packages
            assert ours.code == UserFault.exit_code, ours.log
            return ours
        assert theirs.code == 0, theirs.log
        assert ours.code == 0, ours.log
        assert theirs.packages, theirs.log
        assert ours.packages == theirs.packages, ours.log
        return ours

    return compare

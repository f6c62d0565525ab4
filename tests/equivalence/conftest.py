"""What all comparisons share: the buildpacks, and one test for every case."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Protocol

import pytest

from cnbkit import PlatformFault, UserFault

from .harness import Buildpacks, Case, Outcome, plain, prepared

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Compare(Protocol):
    """Installs a case both ways, and asserts that both come to the same."""

    def __call__(self, case: Case, *variants: Mapping[str, str]) -> Outcome:
        """Compare.

        Args:
            case: the project.
            variants: variables of our build besides the case's; with several, one build each.

        Returns:
            What our last build came to.
        """


@pytest.fixture(scope="session")
def buildpacks(tmp_path_factory: pytest.TempPathFactory) -> Buildpacks:
    """Our buildpacks, ready to run."""
    return Buildpacks(tmp_path_factory.mktemp("buildpacks"))


@pytest.fixture
def compare(buildpacks: Buildpacks, tmp_path: Path) -> Compare:
    """See `Compare`."""

    def compare(case: Case, *variants: Mapping[str, str]) -> Outcome:
        app = prepared(case, tmp_path / "prepared")
        theirs = plain(case, app, tmp_path / "venv")
        assert (theirs.code != 0) == case.refused, theirs.log
        assert case.refused or theirs.packages, theirs.log
        for number, variant in enumerate(variants or [{}]):
            asked = dataclasses.replace(case, env={**case.env, **variant})
            ours = buildpacks.build(asked, app, tmp_path / f"build-{number}")
            # A wrong hash may be the requirement's fault or the index's: pip does not say.
            expected = {UserFault.exit_code, PlatformFault.exit_code} if case.refused else {0}
            assert ours.code in expected, ours.log
            assert ours.packages == theirs.packages, (variant, ours.log)
        return ours

    return compare

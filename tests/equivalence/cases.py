"""Which cases belong to which tier of tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from _pytest.mark import ParameterSet

    from .harness import Case

__all__ = ["tiered", "tiered_values"]

# Every how many-th of a module's cases `make test` tries; `make test-all` tries all.
_SLICE = 24


def tiered(cases: Sequence[Case]) -> list[ParameterSet]:
    """All cases as parameters of a test: a slice of them for `make test`, the others for all.

    The first is in the slice.
    """
    return [
        pytest.param(case, id=case.name, marks=[pytest.mark.full] if number % _SLICE else [])
        for number, case in enumerate(cases)
    ]


def tiered_values(cases: Mapping[str, object]) -> list[ParameterSet]:
    """The same of values by the names of their cases."""
    return [
        pytest.param(case, id=name, marks=[pytest.mark.full] if number % _SLICE else [])
        for number, (name, case) in enumerate(cases.items())
    ]

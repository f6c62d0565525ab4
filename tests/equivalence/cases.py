"""Which cases belong to which tier of tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _pytest.mark import ParameterSet

    from .harness import Case

__all__ = ["tiered"]


def tiered(cases: Sequence[Case]) -> list[ParameterSet]:
    """All cases as parameters of a test."""
    return [pytest.param(case, id=case.name) for case in cases]

"""What would be skipped fails, with its reason; but for what is not begun (`tests.budget`).

A pytest plugin, which all targets of the Makefile use: `python -m pytest -p tests.everything`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pytest
from tests.budget import NOT_BEGUN

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport"]

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test."""
    report = yield
    return _failed(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A whole module."""
    report = yield
    return _failed(report)


def _failed(report: Report) -> Report:
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        if NOT_BEGUN not in str(reason):
            report.outcome = "failed"
            report.longrepr = f"not tried: {reason}"
    return report

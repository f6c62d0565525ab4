"""Tests that a CI machine has no time left for are not begun, and reported as skipped.

`CNBKIT_TESTS_UNTIL` is the time, in seconds since 1970, from when on none begins.
"""

from __future__ import annotations

import os
import time

import pytest

__all__ = ["NOT_BEGUN", "pytest_runtest_setup"]

NOT_BEGUN = "not begun: the time for tests is over"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Before each test, and before its fixtures."""
    until = os.environ.get("CNBKIT_TESTS_UNTIL", "")
    if until and time.time() > float(until):
        pytest.skip(NOT_BEGUN)

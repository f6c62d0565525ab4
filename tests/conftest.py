"""For all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from .budget import pytest_runtest_setup
from .tiers import pytest_collection_modifyitems, pytest_configure

__all__ = ["pytest_collection_modifyitems", "pytest_configure", "pytest_runtest_setup"]

# How long an example takes says more about the machine than about the code.
settings.register_profile(
    "cnbkit", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
# `make test-nightly`
settings.register_profile("long", settings.get_profile("cnbkit"), max_examples=2000)
settings.load_profile("cnbkit")

"""For all tests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings

from . import fetching, temporary, tiers
from .budget import pytest_runtest_setup
from .fetching import (
    pytest_configure_node,
    pytest_runtest_makereport,
    pytest_terminal_summary,
)
from .proofs import pytest_pyfunc_call
from .shell import plain
from .source_roots import put_on_path
from .tiers import pytest_collection_modifyitems, pytest_runtest_logreport

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

__all__ = [
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_configure_node",
    "pytest_pyfunc_call",
    "pytest_runtest_logreport",
    "pytest_runtest_makereport",
    "pytest_runtest_setup",
    "pytest_terminal_summary",
    "pytest_unconfigure",
]

# How long an example takes says more about the machine than about the code. The examples are the
# same each time: what is found belongs to the change that is tested, and not to chance.
settings.register_profile(
    "cnbkit",
    deadline=None,
    max_examples=50,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
# `make test-nightly` looks for others.
settings.register_profile(
    "long", settings.get_profile("cnbkit"), max_examples=2000, derandomize=False
)
settings.load_profile("cnbkit")

put_on_path()

_before: dict[str, str] = {}


def pytest_configure(config: pytest.Config) -> None:
    """Before all else."""
    tiers.pytest_configure(config)
    if not hasattr(config, "workerinput"):
        _before.update(os.environ)
        _set_environment(plain(os.environ))
        # Tests serve package indexes on loopback; tests/attacks has a network of its own.
        os.environ.setdefault("CNBKIT_NETWORK", "host")
    temporary.begin(config)
    fetching.begin(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """After all else."""
    fetching.end(config)
    temporary.end(config)
    if _before:
        _set_environment(_before)


def _set_environment(variables: Mapping[str, str]) -> None:
    variables = dict(variables)
    os.environ.clear()
    os.environ.update(variables)

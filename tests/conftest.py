"""For all tests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings

from . import tiers
from .budget import pytest_runtest_setup
from .downloads import Downloads, default_folder
from .proofs import pytest_pyfunc_call
from .shell import plain
from .tiers import pytest_collection_modifyitems

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

__all__ = [
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_pyfunc_call",
    "pytest_runtest_setup",
    "pytest_terminal_summary",
    "pytest_unconfigure",
]

# How long an example takes says more about the machine than about the code.
settings.register_profile(
    "cnbkit", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
# `make test-nightly`
settings.register_profile("long", settings.get_profile("cnbkit"), max_examples=2000)
settings.load_profile("cnbkit")

# One for all workers, which are started by this process and have its environment.
_downloads: list[Downloads] = []
_before: dict[str, str] = {}


def pytest_configure(config: pytest.Config) -> None:
    """Before all else."""
    tiers.pytest_configure(config)
    if hasattr(config, "workerinput"):
        return
    _before.update(os.environ)
    _set_environment(plain(os.environ))
    # Tests serve package indexes on loopback; tests/attacks has a network of its own.
    os.environ.setdefault("CNBKIT_NETWORK", "host")
    folder = default_folder()
    if folder and not config.option.collectonly:
        _downloads.append(Downloads(folder))
        os.environ.update(_downloads[0].variables)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the network was used for."""
    for downloads in _downloads:
        for host, size in downloads.fetched.most_common():
            terminalreporter.write_line(f"Fetched {size / 1e6:.1f} MB from {host}")
        if downloads.kept:
            terminalreporter.write_line(f"{downloads.kept / 1e6:.1f} MB were fetched before")


def pytest_unconfigure() -> None:
    """After all else."""
    while _downloads:
        _downloads.pop().close()
    if _before:
        _set_environment(_before)


def _set_environment(variables: Mapping[str, str]) -> None:
    variables = dict(variables)
    os.environ.clear()
    os.environ.update(variables)

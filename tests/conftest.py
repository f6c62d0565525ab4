"""For all tests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings

from . import tiers
from .budget import pytest_runtest_setup
from .downloads import Downloads, default_folder
from .tiers import pytest_collection_modifyitems

if TYPE_CHECKING:
    import pytest

__all__ = [
    "pytest_collection_modifyitems",
    "pytest_configure",
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
_downloads: list[tuple[Downloads, dict[str, str]]] = []


def pytest_configure(config: pytest.Config) -> None:
    """Before all else."""
    tiers.pytest_configure(config)
    # Tests serve package indexes on loopback; tests/attacks has a network of its own.
    os.environ.setdefault("CNBKIT_NETWORK", "host")
    folder = default_folder()
    if folder is None or hasattr(config, "workerinput") or config.option.collectonly:
        return
    downloads = Downloads(folder)
    _downloads.append((downloads, dict(os.environ)))
    os.environ.update(downloads.variables)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the network was used for."""
    for downloads, _ in _downloads:
        for host, size in downloads.fetched.most_common():
            terminalreporter.write_line(f"Fetched {size / 1e6:.1f} MB from {host}")
        if downloads.kept:
            terminalreporter.write_line(f"{downloads.kept / 1e6:.1f} MB were fetched before")


def pytest_unconfigure() -> None:
    """After all else."""
    while _downloads:
        downloads, environment = _downloads.pop()
        downloads.close()
        os.environ.clear()
        os.environ.update(environment)

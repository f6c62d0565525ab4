"""Which `make` target runs a test: its folder says so, unless a marker says otherwise.

`quick` is `make test`; `full` is the rest of `make test-all`; `nightly` is `make test-nightly`.
A test gets one of them:

- marked `nightly` or `full`: that;
- in one of `NIGHTLY` or `FULL`: that, unless it is marked `smoke`;
- with a fixture of `HEAVY`: `full`, because `make test` sets up nothing to make it of;
- else `quick`.

Each also gets a group, whose tests one worker runs one after the other: what is slow to make for
many tests, or stands in each other's way, is in one. See CONTRIBUTING.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "FETCHING",
    "NIGHTLY",
    "group_of",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_runtest_logreport",
    "tier_of",
]

NIGHTLY = ("arm64", "nvidia")
"""Folders of `make test-nightly`: emulated, or of gigabytes."""

FULL = ("docs", "e2e", "examples", "pack", "platforms")
"""Folders of real builds, of other platforms' own programs, and of the documentation's commands."""

HEAVY = {
    # made by a Go compiler
    *("crane", "kpack", "judge", "older_lifecycle"),
    # a Docker engine besides
    *("pack_services", "pack_build"),
}
"""Fixtures whose tests are not in `make test`."""

FETCHING = ("equivalence",)
"""Folders whose tests all need the network: they are marked `fetches`, as those marked `smoke`."""

_MARKERS = (
    "smoke: a real build that `make test` runs although its folder is not in it",
    "full: only in `make test-all`",
    "nightly: only in `make test-nightly`",
    "fetches: of *quick*, and asks the package index or Debian's mirrors: `make fetch` runs it",
    "quick: in `make test`; not to be written, each test that is nothing else gets it",
)
# One engine, and one set of programs made of other platforms' code, serve all that need them.
_SHARED = {
    "pack_services": "engine",
    "pack_build": "engine",
    "kpack": "go",
    "judge": "go",
    "older_lifecycle": "go",
}
# Each of their tests is a build of its own, minutes long: two workers share them evenly.
_APART = ("arm64", "e2e", "examples", "nvidia")
# Builds are long, so they begin; pack's and kpack's before all that time may not suffice for.
_ORDER = {folder: place for place, folder in enumerate(("pack", "platforms", "e2e", "examples"))}
_ROOT = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known."""
    for line in _MARKERS:
        config.addinivalue_line("markers", line)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test its tier and its group; the long ones begin."""
    for item in items:
        folder = _folder(item.path)
        fixtures: Iterable[str] = getattr(item, "fixturenames", ())
        marks = {mark.name for mark in item.iter_markers()}
        tier = tier_of(folder, marks, fixtures)
        item.add_marker(tier)
        if "smoke" in marks or folder in FETCHING:
            item.add_marker("fetches")
        group = group_of(folder, item.nodeid, fixtures)
        if group != item.nodeid:
            item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: _ORDER.get(_folder(item.path), len(_ORDER)))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Take the group, which pytest-xdist adds to a test's name, away: `pytest --lf` knows none."""
    if hasattr(report, "node"):  # it came from a worker
        name, at, group = report.nodeid.rpartition("@")
        if at and "]" not in group:
            report.nodeid = name


def tier_of(folder: str, marks: set[str], fixtures: Iterable[str]) -> str:
    """`quick`, `full` or `nightly`.

    Args:
        folder: below tests/; empty for a test that lies elsewhere.
        marks: names of the test's markers.
        fixtures: names of all fixtures it uses.
    """
    for tier in ("nightly", "full"):
        if tier in marks:
            return tier
    if not HEAVY.isdisjoint(fixtures):
        return "nightly" if folder in NIGHTLY else "full"
    if "smoke" in marks:
        return "quick"
    return "nightly" if folder in NIGHTLY else "full" if folder in FULL else "quick"


def group_of(folder: str, nodeid: str, fixtures: Iterable[str]) -> str:
    """The group: tests of one are run by one worker, in their order."""
    for fixture in fixtures:
        if fixture in _SHARED:
            return _SHARED[fixture]
    return nodeid if folder in _APART else nodeid.partition("::")[0]


def _folder(path: Path) -> str:
    return path.relative_to(_ROOT).parts[0] if path.is_relative_to(_ROOT) else ""

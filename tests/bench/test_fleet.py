"""The simulation in bench/fleet.py keeps its books right, and the documentation has its table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.fleet import SCENARIOS, VISION, Fleet, simulate, table

DOCS = Path(__file__).resolve().parents[2] / "docs" / "scale.md"
SMALL = Fleet(repositories=10, commits=5, kinds=(VISION,), dependencies=0.0)


def test_each_commit_is_built_once_and_code_alone_downloads_nothing() -> None:
    day = simulate(SMALL)
    assert (day.builds, day.fresh, len(day.waits)) == (50, 0, 50)
    assert day.downloaded == 0
    assert day.pushed == 50 * VISION.app
    anew = simulate(replace(SMALL, found=0.0))
    assert anew.fresh == 50
    assert anew.downloaded == 50 * VISION.packages
    assert anew.pushed == day.pushed  # the registry has the same layers


def test_time_of_runners_is_what_jobs_take() -> None:
    alone = replace(SMALL, runners=50, start=100.0)
    day = simulate(alone)
    assert abs(day.busy - sum(day.waits)) < 1e-6  # nobody waits for a runner
    few = simulate(replace(alone, runners=1, hours=0.01))
    assert few.busy / 50 < max(few.waits)
    assert max(few.waits) > few.busy - 0.01 * 3600  # the last one waits for all others


def test_every_commit_of_a_dependency_downloads_and_pushes_it() -> None:
    day = simulate(replace(SMALL, dependencies=1.0))
    assert day.downloaded == 50 * VISION.changed
    assert day.pushed == 50 * (VISION.app + VISION.changed)


def test_the_same_seed_gives_the_same() -> None:
    mixed = replace(SMALL, dependencies=0.3, found=0.5)
    assert simulate(mixed, 1) == simulate(mixed, 1) != simulate(mixed, 2)


def test_the_documentation_has_the_table() -> None:
    assert table({name: simulate(fleet) for name, fleet in SCENARIOS.items()}) in DOCS.read_text()

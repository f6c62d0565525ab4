"""The simulation in bench/scale.py keeps the rules it says kpack has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from bench.cluster import Cluster, Rollout
from bench.scale import SCENARIOS, summary, table
from bench.simulation import simulate

SMALL = Cluster(images=300, slots=20, nodes=5, commits=0)
DOCS = Path(__file__).resolve().parents[2] / "docs" / "scale.md"


@pytest.mark.parametrize("scaling", [1, 5])
@pytest.mark.parametrize("quota", [None, 12, 40])
@pytest.mark.parametrize("rings", [1, 7])
def test_a_changed_buildpack_builds_every_image_once(
    scaling: int, quota: int | None, rings: int
) -> None:
    cluster = replace(SMALL, scaling=scaling, quota=quota)
    found = simulate(cluster, Rollout(buildpacks=1, rings=rings))
    assert found.builds == [1] * 300
    assert found.rebases == [0] * 300
    assert found.seconds > 0
    assert found.pulled == 5 * cluster.builder  # each node once
    if quota is None:
        assert found.refused == 0
    else:
        assert found.most <= quota


def test_a_run_image_alone_rebases_and_pulls_no_builder() -> None:
    found = simulate(SMALL, Rollout(run_image=True))
    assert (found.builds, found.rebases) == ([0] * 300, [1] * 300)
    assert found.pulled == 0


def test_with_a_buildpack_at_once_it_is_a_build() -> None:
    found = simulate(SMALL, Rollout(buildpacks=1, run_image=True))
    assert (found.builds, found.rebases) == ([1] * 300, [0] * 300)


def test_what_uses_no_changed_buildpack_is_left_alone() -> None:
    found = simulate(SMALL, Rollout(buildpacks=0.1))
    assert set(found.builds) == {0, 1}
    assert 15 <= sum(found.builds) <= 45
    assert simulate(SMALL, Rollout()).calls == 0


def test_commits_are_all_built_and_never_twice_for_a_rollout() -> None:
    found = simulate(replace(SMALL, commits=600.0, priorities=True), Rollout(buildpacks=1))
    assert min(found.builds) == 1
    # A build may serve several commits, and the rollout as well.
    assert len(found.commits) > 100
    assert 300 <= sum(found.builds) <= 300 + len(found.commits)
    assert min(found.commits) > 0


def test_a_quota_for_low_priority_holds_rebuilds_only() -> None:
    cluster = replace(SMALL, commits=900.0, priorities=True, quota=10, quota_low_only=True)
    assert simulate(cluster, Rollout(buildpacks=1)).most > 10
    assert simulate(replace(cluster, quota_low_only=False), Rollout(buildpacks=1)).most <= 10


def test_pods_a_tight_quota_refused_are_not_tried_again_soon() -> None:
    free = simulate(SMALL, Rollout(buildpacks=1))
    tight = simulate(replace(SMALL, quota=10), Rollout(buildpacks=1))
    assert tight.seconds > 4 * free.seconds  # half as many pods


def test_the_slowest_part_sets_the_time() -> None:
    slots = simulate(replace(SMALL, scaling=50), Rollout(buildpacks=1))
    assert slots.seconds > 300 * 60 / 20  # all slots busy all the time
    calls = simulate(replace(SMALL, slots=5000, nodes=5), Rollout(run_image=True))
    assert calls.seconds > (calls.calls / 2 - 70) / 35  # two clients of 35 calls a second


def test_the_same_seed_gives_the_same() -> None:
    cluster = replace(SMALL, commits=600.0)
    one, two, other = (simulate(cluster, Rollout(buildpacks=1), seed) for seed in (1, 1, 2))
    assert one == two
    assert one != other


def test_the_documentation_has_each_scenario_and_one_of_its_rows_again() -> None:
    text = DOCS.read_text()
    for name in SCENARIOS:
        assert f"| {name} |" in text
    name = "new buildpack that 1 image in 20 uses"  # the one that is quickly computed
    row = table({name: summary(simulate(*SCENARIOS[name]))}).splitlines()[-1]
    assert row in text

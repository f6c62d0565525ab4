"""What other buildpacks ask for, typed and taken together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnbkit import BuildpackFault, Model, field
from cnbkit.spec.build_plan import BuildpackPlan, Entry


class Wanted(Model, hyphens=True, extra="ignore"):
    """As a provider would declare it."""

    version: str = ""
    version_source: str = ""
    launch: bool = False
    build: bool = False
    extras: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)


def _plan(*metadata: dict[str, object]) -> BuildpackPlan:
    entries = [Entry(name="python", metadata=each) for each in metadata]
    return BuildpackPlan(entries=[Entry(name="other", metadata={"version": 1}), *entries])


def test_entries_are_read_in_the_order_of_the_buildpacks() -> None:
    plan = _plan({"version": "3.12"}, {"launch": True, "unknown": 5})
    assert plan.read("python", Wanted) == [Wanted(version="3.12"), Wanted(launch=True)]
    assert plan.read("absent", Wanted) == []


def test_requirements_of_one_name_become_one() -> None:
    plan = _plan(
        {"launch": False, "extras": ["a"], "env": {"A": "1"}},
        {"version": "3.12", "launch": True, "extras": ["b", "a"], "env": {"A": "2", "B": "3"}},
        {"version": "3.11", "launch": False},
    )
    assert plan.merged("python", Wanted) == Wanted(
        version="3.12", launch=True, extras=["a", "b"], env={"A": "1", "B": "3"}
    )
    assert plan.merged("absent", Wanted) is None
    assert _plan({}).merged("python", Wanted) == Wanted()


def test_who_counts_first_is_for_the_provider_to_say() -> None:
    sources = ["BP_PYTHON_VERSION", "pyproject.toml", ""]
    plan = _plan(
        {"version": "3.10"},
        {"version": "3.11", "version-source": "pyproject.toml"},
        {"version": "3.12", "version-source": "BP_PYTHON_VERSION", "build": True},
    )
    first = plan.merged("python", Wanted, first=lambda each: sources.index(each.version_source))
    assert first is not None
    assert (first.version, first.version_source, first.build) == (
        "3.12",
        "BP_PYTHON_VERSION",
        True,
    )


def test_what_does_not_fit_is_told_of_all_entries() -> None:
    plan = _plan({"version": 3.12}, {}, {"launch": "yes", "extras": "a"})
    for ask in (plan.read, plan.merged):
        with pytest.raises(BuildpackFault, match="python is required") as caught:
            ask("python", Wanted)
        text = str(caught.value)
        assert "requirement 1: version: " in text
        assert "requirement 3: launch: " in text
        assert "requirement 3: extras: " in text


FLAGS = st.fixed_dictionaries({}, optional={"launch": st.booleans(), "build": st.booleans()})


@given(st.lists(FLAGS, min_size=1, max_size=4), st.randoms())
def test_flags_do_not_depend_on_the_order(entries: list[dict[str, object]], random: object) -> None:
    merged = _plan(*entries).merged("python", Wanted)
    shuffled = list(entries)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert _plan(*shuffled).merged("python", Wanted) == merged
    assert merged == Wanted(
        launch=any(each.get("launch") for each in entries),
        build=any(each.get("build") for each in entries),
    )

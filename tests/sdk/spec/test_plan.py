"""Build plans as values, and the plan a build gets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cnbkit.spec.build_plan import BuildpackPlan, BuildPlan, Entry, Plan
from cnbkit.spec.toml import decode

NAMES = st.lists(st.text("abc-", min_size=1, max_size=4), max_size=3)
CHOICES = st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=4)


def _plan(choices: list[tuple[list[str], list[str]]]) -> Plan:
    result = None
    for provides, requires in choices:
        plan = Plan().provides(*provides)
        for name in requires:
            plan = plan.requires(name)
        result = plan if result is None else result | plan
    assert result is not None
    return result


@given(CHOICES)
def test_alternatives_stand_in_the_document_in_the_order_they_were_joined(
    choices: list[tuple[list[str], list[str]]],
) -> None:
    document = BuildPlan.loads(_plan(choices).document().dumps())
    written = [(document.provides, document.requires)] + [
        (each.provides, each.requires) for each in document.alternatives
    ]
    assert [([p.name for p in p_], [r.name for r in r_]) for p_, r_ in written] == choices


@given(CHOICES, CHOICES)
def test_plans_are_equal_when_their_documents_are(
    one: list[tuple[list[str], list[str]]], other: list[tuple[list[str], list[str]]]
) -> None:
    assert (_plan(one) == _plan(other)) == (one == other)
    assert hash(_plan(one)) == hash(_plan(list(one)))


def test_a_plan_never_changes() -> None:
    base = Plan().provides("a")
    _ = base.provides("b"), base.requires("c"), base | Plan().provides("d")
    assert base == Plan().provides("a")


def test_joining_groups_to_the_left_or_right_gives_the_same() -> None:
    a, b, c = (Plan().provides(name) for name in "abc")
    assert (a | b) | c == a | (b | c)


def test_metadata_of_a_requirement_is_a_table_below_it() -> None:
    """A `version` beside `name` is the old form, which the lifecycle rejects."""
    plan = Plan().requires("python", version="3.12.*", build=True)
    assert decode(plan.document().dumps(), name="plan") == {
        "requires": [{"name": "python", "metadata": {"version": "3.12.*", "build": True}}]
    }


def test_further_choices_are_written_as_or() -> None:
    plan = Plan().provides("a") | Plan()
    assert decode(plan.document().dumps(), name="plan") == {
        "provides": [{"name": "a"}],
        "or": [{}],
    }


def test_entries_of_one_name_keep_their_order() -> None:
    plan = BuildpackPlan.loads(
        """
[[entries]]
name = "python"
[entries.metadata]
version = "3.12"

[[entries]]
name = "other"

[[entries]]
name = "python"
"""
    )
    assert plan.named("python") == [
        Entry(name="python", metadata={"version": "3.12"}),
        Entry(name="python"),
    ]
    assert plan.named("absent") == []

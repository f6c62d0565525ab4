"""What `cnbkit check` says of plans is what the detector decides."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from cnbkit import Plan
from cnbkit.testing import simulate
from cnbkit_engine.lint.finding import Findings
from cnbkit_engine.lint.order import _check_plans
from cnbkit_engine.lint.unit import Unit

NAMES = st.sets(st.sampled_from("xyz"), max_size=2)
PLANS = st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=2)
GROUP = st.lists(st.tuples(PLANS, st.booleans()), min_size=1, max_size=4)
HERE = Path("here")


def plan(sections: list[tuple[set[str], set[str]]]) -> Plan:
    made = []
    for provides, requires in sections:
        one = Plan().provides(*sorted(provides))
        for name in sorted(requires):
            one = one.requires(name)
        made.append(one)
    return made[0] if len(made) == 1 else made[0] | made[1]


@given(GROUP)
def test_who_is_told_can_never_take_part_never_does(
    group: list[tuple[list[tuple[set[str], set[str]]], bool]],
) -> None:
    members = []
    for at, (sections, optional) in enumerate(group):
        unit = Unit(HERE, id=f"b{at}", plans=sections)
        unit.provides = {name: (HERE, 1) for provides, _ in sections for name in provides}
        unit.requires = {name: (HERE, 1) for _, requires in sections for name in requires}
        members.append((unit, optional, at + 1))
    found = Findings()
    _check_plans(members, (), 1, HERE, found)

    known = {f"b{at}": plan(sections) for at, (sections, _) in enumerate(group)}
    order = [f"b{at}{'?' if optional else ''}" for at, (_, optional) in enumerate(group)]
    verdict = simulate([order], known)
    for finding in found.sorted():
        assert f"b{finding.line - 1}" not in verdict.group
        if finding.severity == "error":
            assert not verdict.detected

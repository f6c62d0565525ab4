"""The order of a builder: what it names is there, and what one requires another provides."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from cnbkit_engine.lint.finding import Findings
    from cnbkit_engine.lint.text import TomlFile
    from cnbkit_engine.lint.unit import Unit

    Group: TypeAlias = "Sequence[tuple[str, str, bool]]"

__all__ = ["OrderCheck", "tell_absent"]


class OrderCheck:
    """An order's groups.

    Args:
        toml: the file they stand in.
        found: what was found so far.
    """

    def __init__(self, toml: TomlFile, found: Findings) -> None:
        self._toml = toml
        self._found = found

    def check(
        self,
        key: str,
        groups: Sequence[Group],
        units: Sequence[Unit],
        *,
        elsewhere: bool,
        others: Sequence[Unit],
    ) -> None:
        """Check each group: that its buildpacks are there, and that their plans can be met.

        Args:
            key: where in the file the groups stand.
            groups: the groups.
            units: every buildpack that is there.
            elsewhere: whether there are others that could not be looked at.
            others: extensions, which come before all groups.
        """
        by_id: dict[str, list[Unit]] = {}
        for unit in units:
            by_id.setdefault(unit.id, []).append(unit)
        for unit in units:
            _gather(unit, by_id, ())
        asked: dict[str, Unit] = {}
        for number, group in enumerate(groups):
            members: list[tuple[Unit, bool, int]] = []
            seen: set[str] = set()
            for place, (name, version, optional) in enumerate(group):
                line = self._toml.line(key, number, "group", place)
                if name in seen:
                    what = f"{name} is in group {number + 1} twice; the second is passed over"
                    self._found.error(self._toml.path, line, "order", what, "leave one of them")
                seen.add(name)
                there = by_id.get(name, [])
                fitting = [unit for unit in there if version in ("", unit.version)]
                if fitting:
                    members.append((fitting[0], optional, line))
                    asked[name] = fitting[0]
                elif not elsewhere:
                    tell_absent(name, version, there, self._toml.path, line, self._found)
            if len(members) == len(group) and key == "order":
                _check_plans(members, others, number + 1, self._toml.path, self._found)
        told = [*others, *asked.values()]
        if not elsewhere and key == "order" and all(unit.known for unit in told):
            _check_names(told, self._found)


def _gather(unit: Unit, by_id: Mapping[str, Sequence[Unit]], inside: tuple[str, ...]) -> None:
    """Let a composite provide and require what the buildpacks of its groups do."""
    for name, _, _ in itertools.chain.from_iterable(unit.order):
        if name in (unit.id, *inside) or name not in by_id:
            unit.known = False
            continue
        member = by_id[name][0]
        _gather(member, by_id, (*inside, unit.id))
        unit.known = unit.known and member.known
        unit.provides = {**member.provides, **unit.provides}
        unit.requires = {**member.requires, **unit.requires}


def tell_absent(
    name: str, version: str, there: Sequence[Unit], path: Path, line: int, found: Findings
) -> None:
    """Report that what is named is not in the builder.

    Args:
        name: its id.
        version: as named.
        there: what is in the builder under that id.
        path: of the file that names it.
        line: of the name.
        found: takes the report.
    """
    if there:
        versions = ", ".join(unit.version for unit in there)
        what = f"{name} is there in version {versions}, not {version}"
        found.error(path, line, "order", what, f'write version = "{there[-1].version}"')
    else:
        what = f"{name} is not a buildpack named here"
        found.error(path, line, "order", what, "add its folder, or correct the id")


def _check_plans(
    members: Sequence[tuple[Unit, bool, int]],
    others: Sequence[Unit],
    number: int,
    path: Path,
    found: Findings,
) -> None:
    """Tell which members can never take part, because of what the others offer and need.

    Only plans that triggers alone decide are certain. Of the others every name counts that the
    code mentions, so nothing is told that is not so.
    """
    for at, (unit, optional, line) in enumerate(members):
        if unit.plans is None or not unit.known:
            continue
        before = [*others, *(each for each, _, _ in members[:at])]
        after = [each for each, _, _ in members[at + 1 :]]
        if any(not each.known for each in (*before, *after)):
            continue
        reasons = []
        for provides, requires in unit.plans:
            offered = provides.union(*(each.provides for each in before))
            needed = requires.union(*(each.requires for each in after))
            reasons.append(
                [_no_provider(unit, name, after) for name in sorted(requires - offered)]
                + [_no_requirer(unit, name, before) for name in sorted(provides - needed)]
            )
        if not all(reasons):
            continue
        what = f"{unit.id} can never take part in group {number}: {', '.join(reasons[0])}"
        remedy = "add what is missing"
        if any("stands" in reason for reason in reasons[0]):
            remedy = "put who provides before who requires"
        elif any("circle" in reason for reason in reasons[0]):
            remedy = "let one of them do without what the other provides"
        if optional:
            found.warning(path, line, "plan", what, f"{remedy}, or take it out")
        else:
            what += ", so the group never builds"
            found.error(path, line, "plan", what, f"{remedy}, or make it optional")


def _no_provider(unit: Unit, name: str, after: Sequence[Unit]) -> str:
    late = next((each for each in after if name in each.provides), None)
    if late is None:
        return f"nothing before it provides {name}"
    back = sorted({*unit.provides} & {*late.requires})
    if back:
        return f"{late.id} provides {name} and requires {back[0]} of it: a circle"
    return f"{late.id}, which provides {name}, stands after it"


def _no_requirer(unit: Unit, name: str, before: Sequence[Unit]) -> str:
    early = next((each for each in before if name in each.requires), None)
    if early is None:
        return f"nothing after it requires {name}"
    back = sorted({*unit.requires} & {*early.provides})
    if back:
        return f"{early.id} requires {name} and provides {back[0]} for it: a circle"
    return f"{early.id}, which requires {name}, stands before it"


def _check_names(units: Sequence[Unit], found: Findings) -> None:
    """Tell names that code requires and nobody provides, or the other way round."""
    provided = {name for unit in units for name in unit.provides}
    required = {name for unit in units for name in unit.requires}
    for unit in units:
        if unit.plans is not None or unit.order:
            continue
        for name, (path, line) in unit.requires.items():
            if name not in provided:
                what = f"{unit.id} may require {name}, which no buildpack of the order provides"
                found.warning(path, line, "plan", what, "add one that does, or an alternative")
        for name, (path, line) in unit.provides.items():
            if name not in required:
                what = f"{unit.id} may provide {name}, which no buildpack of the order requires"
                found.warning(path, line, "plan", what, "require it as well, or add an alternative")

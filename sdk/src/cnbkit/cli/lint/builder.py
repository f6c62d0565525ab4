"""Checks of orders: of a builder and of a composite."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from cnbkit.cli.lint.text import TomlFile
from cnbkit.cli.lint.unit import Unit, check_unit
from cnbkit.contract.builder import BuilderDescriptor
from cnbkit.contract.model import InvalidDocument
from cnbkit.contract.package import PackageDescriptor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cnbkit.cli.lint.finding import Findings

    Group: TypeAlias = "Sequence[tuple[str, str, bool]]"

__all__ = ["check_builder", "check_package"]


def check_builder(path: Path, found: Findings) -> None:
    """Check a builder.toml and every folder it names."""
    toml = TomlFile(path, found)
    try:
        descriptor = BuilderDescriptor.loads(toml.text, name=path.name)
    except InvalidDocument as invalid:
        if toml.data:
            found.invalid(path, invalid)
        return
    units: list[Unit] = []
    elsewhere = False
    for number, entry in enumerate(descriptor.buildpacks):
        if not entry.uri or "://" in entry.uri or entry.uri.endswith((".cnb", ".tgz")):
            elsewhere = True  # what is in it is not here to be looked at
            continue
        line = toml.line("buildpacks", number)
        unit = _unit(path.parent / entry.uri, path, line, found)
        if unit:
            units.append(unit)
            for what, said, has in (
                ("id", entry.id, unit.id),
                ("version", entry.version, unit.version),
            ):
                if said and said != has:
                    remedy = f"write {has}, or leave it out"
                    found.error(
                        path, line, "order", f"{entry.uri} has the {what} {has}, not {said}", remedy
                    )
    groups: list[Group] = [
        [(entry.id, entry.version, entry.optional) for entry in order.group]
        for order in descriptor.order
    ]
    if not groups:
        what, remedy = "there is no order, so nothing can be built", "add [[order]] with a group"
        found.error(path, 1, "order", what, remedy)
    _check_groups(groups, units, toml, found, elsewhere=elsewhere)
    all_groups = [*groups, *(group for unit in units for group in unit.order)]
    used = {name for group in all_groups for name, _, _ in group}
    for unit in units:
        if unit.id and unit.id not in used:
            what = f"{unit.id} is in no group of the order"
            found.warning(path, 1, "order", what, "add it to a group, or take its folder out")


def check_package(path: Path, composite: TomlFile, unit: Unit, found: Findings) -> None:
    """Check a composite's package.toml, and its order against what is packaged with it."""
    toml = TomlFile(path, found)
    try:
        descriptor = PackageDescriptor.loads(toml.text, name=path.name)
    except InvalidDocument as invalid:
        if toml.data:
            found.invalid(path, invalid)
        return
    units: list[Unit] = []
    elsewhere = False
    for number, each in enumerate(descriptor.dependencies):
        if not each.uri or "://" in each.uri or each.uri.endswith((".cnb", ".tgz")):
            elsewhere = True
            continue
        one = _unit(path.parent / each.uri, path, toml.line("dependencies", number), found)
        if one:
            units.append(one)
    _check_groups(unit.order, units, composite, found, elsewhere=elsewhere)


def _unit(folder: Path, by: Path, line: int, found: Findings) -> Unit | None:
    if not any((folder / name).is_file() for name in ("buildpack.toml", "extension.toml")):
        what = f"{folder} holds no buildpack"
        found.error(by, line, "missing", what, "correct uri, relative to this file")
        return None
    return check_unit(Path(_normal(folder)), found)


def _normal(folder: Path) -> str:
    """The folder without `x/..`, as a person would name it."""
    import os.path

    return os.path.normpath(folder)


def _check_groups(
    groups: Sequence[Group],
    units: Sequence[Unit],
    toml: TomlFile,
    found: Findings,
    *,
    elsewhere: bool,
) -> None:
    """Check each group: that its buildpacks are there, and that their plans can be met."""
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
            line = toml.line("order", number, "group", place)
            if name in seen:
                what = f"{name} is in group {number + 1} twice; the second time it is passed over"
                found.error(toml.path, line, "order", what, "leave one of them")
            seen.add(name)
            there = by_id.get(name, [])
            fitting = [unit for unit in there if version in ("", unit.version)]
            if fitting:
                members.append((fitting[0], optional, line))
                asked[name] = fitting[0]
            elif not elsewhere:
                _tell_absent(name, version, there, toml.path, line, found)
        if len(members) == len(group):
            _check_plans(members, number + 1, toml.path, found)
    if not elsewhere and all(unit.known for unit in asked.values()):
        _check_names(list(asked.values()), found)


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


def _tell_absent(
    name: str, version: str, there: Sequence[Unit], path: Path, line: int, found: Findings
) -> None:
    if there:
        versions = ", ".join(unit.version for unit in there)
        what = f"{name} is there in version {versions}, not {version}"
        found.error(path, line, "order", what, f'write version = "{there[-1].version}"')
    else:
        what = f"{name} is no buildpack named here"
        found.error(path, line, "order", what, "add its folder, or correct the id")


def _check_plans(
    members: Sequence[tuple[Unit, bool, int]], number: int, path: Path, found: Findings
) -> None:
    """Tell which members can never take part, because of what the others offer and need.

    Only plans that triggers alone decide are certain. Of the others every name counts that the
    code mentions, so nothing is told that is not so.
    """
    for at, (unit, optional, line) in enumerate(members):
        if unit.plans is None or not unit.known:
            continue
        before, after = (
            [each for each, _, _ in members[:at]],
            [each for each, _, _ in members[at + 1 :]],
        )
        if any(not each.known for each in (*before, *after)):
            continue
        reasons = []
        for provides, requires in unit.plans:
            offered = provides.union(*(each.provides for each in before))
            needed = requires.union(*(each.requires for each in after))
            reasons.append(
                [f"nothing before it provides {name}" for name in sorted(requires - offered)]
                + [f"nothing after it requires {name}" for name in sorted(provides - needed)]
            )
        if not all(reasons):
            continue
        what = f"{unit.id} can never take part in group {number}: {', '.join(reasons[0])}"
        if optional:
            found.warning(path, line, "plan", what, "add what is missing, or take it out")
        else:
            what += ", so the group never builds"
            found.error(path, line, "plan", what, "add what is missing, or make it optional")


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

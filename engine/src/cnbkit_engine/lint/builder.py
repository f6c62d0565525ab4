"""Checks of orders: of a builder and of a composite."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from cnbkit.errors import InvalidDocument
from cnbkit_engine.lint.text import TomlFile
from cnbkit_engine.lint.unit import Unit, check_unit
from cnbkit_engine.spec.builder import BuilderDescriptor
from cnbkit_engine.spec.package import PackageDescriptor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cnbkit_engine.lint.finding import Findings
    from cnbkit_engine.spec.builder import BuilderBuildpack, BuilderOrder

    Group: TypeAlias = "Sequence[tuple[str, str, bool]]"

__all__ = ["check_builder", "check_folder"]


def check_builder(path: Path, found: Findings) -> None:
    """Check a builder.toml and every folder it names."""
    toml = TomlFile(path, found)
    try:
        descriptor = BuilderDescriptor.loads(toml.text, name=path.name)
    except InvalidDocument as invalid:
        if toml.valid:
            found.invalid(path, invalid)
        return
    units, elsewhere = _units("buildpacks", descriptor.buildpacks, toml, found)
    extensions, unknown = _units("extensions", descriptor.extensions, toml, found)
    groups, before = _groups(descriptor.order), _groups(descriptor.order_extensions)
    if not groups:
        what, remedy = "there is no order, so nothing can be built", "add [[order]] with a group"
        found.error(path, 1, "order", what, remedy)
    order = _Order(toml, found)
    order.check("order-extensions", before, extensions, elsewhere=unknown, others=())
    order.check("order", groups, units, elsewhere=elsewhere or unknown, others=extensions)
    around = _system(descriptor, units, toml, found, elsewhere=elsewhere or unknown)
    used = {name for group in (*groups, *before) for name, _, _ in group} | around
    used |= {name for unit in units for group in unit.order for name, _, _ in group}
    for unit in (*units, *extensions):
        if unit.id and unit.id not in used:
            what = f"{unit.id} is in no group of the order"
            found.warning(path, 1, "order", what, "add it to a group, or take its folder out")


def _groups(order: Sequence[BuilderOrder]) -> list[Group]:
    return [[(entry.id, entry.version, entry.optional) for entry in each.group] for each in order]


def _system(
    descriptor: BuilderDescriptor,
    units: Sequence[Unit],
    toml: TomlFile,
    found: Findings,
    *,
    elsewhere: bool,
) -> set[str]:
    """Check what runs around every group; returns the ids."""
    if not descriptor.system:
        return set()
    sides = {"pre": descriptor.system.pre, "post": descriptor.system.post}
    for side, named in sides.items():
        for number, entry in enumerate(named.buildpacks):
            line = toml.line("system", side, "buildpacks", number)
            there = [unit for unit in units if unit.id == entry.id]
            if not elsewhere and not any(entry.version in ("", unit.version) for unit in there):
                _tell_absent(entry.id, entry.version, there, toml.path, line, found)
            if entry.optional:
                what = f"{entry.id} is optional in system.{side}, which the lifecycle ignores"
                remedy = "let its detect always pass, or put it into the groups of the order"
                found.error(toml.path, line, "order", what, remedy)
    return {entry.id for named in sides.values() for entry in named.buildpacks}


def _units(
    kind: str, entries: Sequence[BuilderBuildpack], toml: TomlFile, found: Findings
) -> tuple[list[Unit], bool]:
    """The folders a builder names, and whether it names something that is not a folder."""
    units: list[Unit] = []
    elsewhere = False
    for number, entry in enumerate(entries):
        if not entry.uri or "://" in entry.uri or entry.uri.endswith((".cnb", ".tgz")):
            elsewhere = True  # what is in it is not here to be looked at
            continue
        line = toml.line(kind, number)
        unit = _unit(toml.path.parent / entry.uri, toml.path, line, found)
        if not unit:
            continue
        units.append(unit)
        for what, said, has in (
            ("id", entry.id, unit.id),
            ("version", entry.version, unit.version),
        ):
            if said and said != has:
                what = f"{entry.uri} has the {what} {has}, not {said}"
                found.error(toml.path, line, "order", what, f"write {has}, or leave it out")
    return units, elsewhere


def check_folder(folder: Path, found: Findings) -> Unit:
    """Check a buildpack or an extension; of a composite also what its order needs."""
    unit = check_unit(folder, found)
    if unit.composite:
        package = folder / "package.toml"
        if package.is_file():
            _check_package(package, TomlFile(folder / "buildpack.toml", found), unit, found)
        else:
            what = "there is no package.toml to package it with"
            remedy = "add one that names the folder of each buildpack in the order"
            found.warning(package, 0, "package", what, remedy)
    return unit


def _check_package(path: Path, composite: TomlFile, unit: Unit, found: Findings) -> None:
    """Check a composite's package.toml, and its order against what is packaged with it."""
    toml = TomlFile(path, found)
    try:
        descriptor = PackageDescriptor.loads(toml.text, name=path.name)
    except InvalidDocument as invalid:
        if toml.valid:
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
    _Order(composite, found).check("order", unit.order, units, elsewhere=elsewhere, others=())


def _unit(folder: Path, by: Path, line: int, found: Findings) -> Unit | None:
    if not any((folder / name).is_file() for name in ("buildpack.toml", "extension.toml")):
        what = f"{folder} holds no buildpack"
        found.error(by, line, "missing", what, "correct uri, relative to this file")
        return None
    return check_folder(Path(_normal(folder)), found)


def _normal(folder: Path) -> str:
    """The folder without `x/..`, as a person would name it."""
    import os.path

    return os.path.normpath(folder)


class _Order:
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
                    _tell_absent(name, version, there, self._toml.path, line, self._found)
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

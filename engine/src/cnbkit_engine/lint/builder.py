"""Checks of orders: of a builder and of a composite."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from cnbkit.errors import InvalidDocument
from cnbkit_engine.lifecycle.install import LIFECYCLE_VERSION
from cnbkit_engine.lint.order import OrderCheck, tell_absent
from cnbkit_engine.lint.text import TomlFile
from cnbkit_engine.lint.unit import Unit, check_unit
from cnbkit_engine.spec.builder import BuilderDescriptor
from cnbkit_engine.spec.package import PackageDescriptor

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    _lifecycle(descriptor, toml, found)
    units, elsewhere = _units("buildpacks", descriptor.buildpacks, toml, found)
    extensions, unknown = _units("extensions", descriptor.extensions, toml, found)
    groups, before = _groups(descriptor.order), _groups(descriptor.order_extensions)
    if not groups:
        what, remedy = "there is no order, so nothing can be built", "add [[order]] with a group"
        found.error(path, 1, "order", what, remedy)
    order = OrderCheck(toml, found)
    order.check("order-extensions", before, extensions, elsewhere=unknown, others=())
    order.check("order", groups, units, elsewhere=elsewhere or unknown, others=extensions)
    around = _system(descriptor, units, toml, found, elsewhere=elsewhere or unknown)
    used = {name for group in (*groups, *before) for name, _, _ in group} | around
    used |= {name for unit in units for group in unit.order for name, _, _ in group}
    for unit in (*units, *extensions):
        if unit.id and unit.id not in used:
            what = f"{unit.id} is in no group of the order"
            found.warning(path, 1, "order", what, "add it to a group, or take its folder out")


def _lifecycle(descriptor: BuilderDescriptor, toml: TomlFile, found: Findings) -> None:
    version = descriptor.lifecycle.version if descriptor.lifecycle else None
    if version not in (None, LIFECYCLE_VERSION):
        what = f"cnbkit has lifecycle {LIFECYCLE_VERSION}, not {version}, which pack downloads"
        remedy = "leave [lifecycle] out, or download that one and name the file in [lifecycle] uri"
        line = toml.line("lifecycle", "version")
        found.warning(toml.path, line, "lifecycle", what, remedy)


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
                tell_absent(entry.id, entry.version, there, toml.path, line, found)
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
    OrderCheck(composite, found).check("order", unit.order, units, elsewhere=elsewhere, others=())


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

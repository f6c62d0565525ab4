"""Checks of one folder: a buildpack, a composite or an extension."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit.errors import InvalidDocument
from cnbkit.spec.build_plan import BuildPlan
from cnbkit.spec.buildpack import (
    BuildpackDescriptor,
    ExtensionDescriptor,
    library_folders,
    notes,
)
from cnbkit_engine.lint.dependencies import check_dependencies, check_lock
from cnbkit_engine.lint.detect import check_detect
from cnbkit_engine.lint.imports import check_imports, check_names
from cnbkit_engine.lint.probe import Probed, probe
from cnbkit_engine.lint.readme import check_options, check_settings
from cnbkit_engine.lint.text import Python, TomlFile

if TYPE_CHECKING:
    from cnbkit_engine.lint.finding import Findings

__all__ = ["Unit", "check_unit", "code_in"]

_NOT_CODE = {"__pycache__", "tests", ".venv", "build", "dist"}


@dataclass
class Unit:
    """What a folder is, for checking the orders it stands in.

    Args:
        folder: the folder.
        id: its id; empty where the descriptor does not say.
        version: its version.
        known: whether its plans can be known: it is no one else's program.
        plans: the alternatives of a plan that triggers alone decide; None if code decides.
        provides: every name it may provide, with the place.
        requires: every name it may require, with the place.
        composite: whether it is only an order of others.
        order: its groups then.
    """

    folder: Path
    id: str = ""
    version: str = ""
    known: bool = True
    plans: list[tuple[set[str], set[str]]] | None = None
    provides: dict[str, tuple[Path, int]] = field(default_factory=dict)
    requires: dict[str, tuple[Path, int]] = field(default_factory=dict)
    composite: bool = False
    order: list[list[tuple[str, str, bool]]] = field(default_factory=list)


def check_unit(folder: Path, found: Findings) -> Unit:
    """Check a folder with a buildpack.toml or an extension.toml; of a composite only this file."""
    extension = (folder / "extension.toml").is_file()
    toml = TomlFile(folder / ("extension.toml" if extension else "buildpack.toml"), found)
    kind = ExtensionDescriptor if extension else BuildpackDescriptor
    unit = Unit(folder)
    if not toml.valid:
        return unit
    table = toml.data.get("extension" if extension else "buildpack")
    if isinstance(table, dict):
        unit.id, unit.version = str(table.get("id", "")), str(table.get("version", ""))
    try:
        kind.loads(toml.text, name=toml.path.name)
    except InvalidDocument as invalid:
        foreign = (folder / "bin").is_dir() and not _entry(toml)
        found.invalid(toml.path, invalid, tolerated=_lifecycle_takes if foreign else None)
    _check_notes(toml, found)
    check_dependencies(toml, found)
    _check_company(toml, "extension" if extension else "buildpack", found)
    if "order" in toml.data:
        unit.composite = True
        _read_order(toml, unit)
    elif (folder / "bin").is_dir() and not _entry(toml):
        unit.known = False
        _check_programs(folder, extension, found)
    else:
        _check_code(toml, unit, found, extension=extension)
    return unit


def _lifecycle_takes(what: str) -> bool:
    """Whether a fault of a descriptor keeps no lifecycle from running a buildpack.

    It passes over keys it does not know, and speaks Buildpack APIs from 0.7 on; `pack buildpack
    new` writes 0.8.
    """
    return "unknown key" in what or any(f"API '0.{minor}' is older" in what for minor in (7, 8, 9))


def _check_notes(toml: TomlFile, found: Findings) -> None:
    for note in notes(toml.data):
        what, _, remedy = note.partition(": ")
        key = "stacks" if "stacks" in what else "targets"
        at = toml.line("buildpack", "exec-env") if "exec-env" in what else toml.line(key)
        found.warning(toml.path, at, "descriptor", what, remedy)


def _check_company(toml: TomlFile, table: str, found: Findings) -> None:
    """Licence and README: what a person who finds the buildpack asks first."""
    info = toml.data.get(table)
    at = toml.line(table)
    if isinstance(info, dict) and not info.get("licenses"):
        remedy = f'add: [[{table}.licenses]] type = "Apache-2.0" (or another SPDX id)'
        found.warning(toml.path, at, "licence", "no licence is named", remedy)
    if not (toml.path.parent / "README.md").is_file():
        remedy = "say what it looks for, what it does and which settings it has"
        found.warning(toml.path.parent / "README.md", 0, "readme", "there is no README.md", remedy)


def _entry(toml: TomlFile) -> str:
    metadata = toml.data.get("metadata")
    table = metadata.get("cnbkit") if isinstance(metadata, dict) else None
    entry = table.get("entry") if isinstance(table, dict) else None
    return entry if isinstance(entry, str) else ""


def _check_programs(folder: Path, extension: bool, found: Findings) -> None:
    for name in ("detect", "generate" if extension else "build"):
        path = folder / "bin" / name
        if not path.is_file():
            what = f"there is no bin/{name}"
            found.error(path, 0, "program", what, "add it, executable")
        elif not path.stat().st_mode & 0o111:
            what = f"bin/{name} is not executable"
            found.error(path, 0, "program", what, f"run: chmod +x {path}")


def _read_order(toml: TomlFile, unit: Unit) -> None:
    groups = toml.data["order"]
    for group in groups if isinstance(groups, list) else []:
        entries = group.get("group") if isinstance(group, dict) else None
        unit.order.append(
            [
                (str(each.get("id", "")), str(each.get("version", "")), bool(each.get("optional")))
                for each in (entries if isinstance(entries, list) else [])
                if isinstance(each, dict)
            ]
        )


def _check_code(toml: TomlFile, unit: Unit, found: Findings, *, extension: bool) -> None:
    folder = toml.path.parent
    module, _, attribute = _entry(toml).partition(":")
    if not module or not attribute:
        what = f"{toml.path.name} does not say which class is the buildpack"
        remedy = 'add: [metadata.cnbkit] entry = "package:Class"'
        found.error(toml.path, toml.line("metadata", "cnbkit", "entry"), "entry", what, remedy)
        return
    libraries = _libraries(toml, found)
    python = Python([path for each in (folder, *libraries) for path in code_in(each)])
    check_imports(python, folder, libraries, found)
    check_names(folder, found)
    unit.provides, unit.requires = python.plan_names("provides"), python.plan_names("requires")
    place = python.place_of(attribute) or (toml.path, toml.line("metadata", "cnbkit", "entry"))
    told = probe([folder, *(library.parent for library in libraries)], module, attribute)
    if told.declared is not None:
        what, where, remedy = told.declared
        path, _, line = where.rpartition(":")
        at = (Path(path), int(line)) if line.isdigit() else place
        found.error(*at, "entry", what, remedy)
        unit.known = False
    elif told.failed is None and told.is_class:
        method = "generate" if extension else "build"
        if not (told.generates if extension else told.builds):
            what = f"{attribute} has no {method} of its own"
            found.error(*place, "entry", what, f"add: def {method}(self, ctx)")
        check_detect(told, python, place, attribute, found)
        if told.static:
            plan = BuildPlan.loads(told.plan)
            sections = [(plan.provides, plan.requires)]
            sections += [(each.provides, each.requires) for each in plan.alternatives]
            unit.plans = [
                ({each.name for each in provides}, {each.name for each in requires})
                for provides, requires in sections
            ]
            unit.provides = {n: unit.provides.get(n, place) for p, _ in unit.plans for n in p}
            unit.requires = {n: unit.requires.get(n, place) for _, r in unit.plans for n in r}
    else:
        _tell_failure(told, place, module, attribute, found)
    check_options(folder / "README.md", told, found)
    check_settings(folder, python, told.readme, found)
    for each in (folder, *libraries):
        check_lock(each / "requirements.lock", found)


def _libraries(toml: TomlFile, found: Findings) -> list[Path]:
    """The packages it shares with other buildpacks, as far as they are there."""
    line = toml.line("metadata", "cnbkit", "libraries")
    try:
        named = library_folders(toml.data.get("metadata", {}), str(toml.path.parent))
    except ValueError as error:
        found.error(toml.path, line, "libraries", str(error), "correct it")
        return []
    there = []
    for folder in map(Path, named):
        if (folder / "__init__.py").is_file():
            there.append(folder)
        else:
            what = f"{os.path.relpath(folder, toml.path.parent)} is not a package"
            remedy = "name a folder with an __init__.py, relative to this file"
            found.error(toml.path, line, "libraries", what, remedy)
    return there


def code_in(folder: Path) -> list[Path]:
    """Its Python files; tests and other buildpacks below it are not its code."""
    found = []
    for entry in sorted(folder.iterdir()):
        if entry.is_dir():
            other = any((entry / name).is_file() for name in ("buildpack.toml", "extension.toml"))
            if entry.name not in _NOT_CODE and not entry.name.startswith(".") and not other:
                found += code_in(entry)
        elif entry.suffix == ".py":
            found.append(entry)
    return found


def _tell_failure(
    told: Probed, place: tuple[Path, int], module: str, attribute: str, found: Findings
) -> None:
    if told.failed is None:
        what = f"{module}:{attribute} is not a class derived from cnbkit.Buildpack"
        found.error(*place, "entry", what, "name the class in entry of [metadata.cnbkit]")
        return
    stage, error, places = told.failed
    at = (Path(places[-1][0]), places[-1][1]) if places else place
    if stage == "import":
        remedy = "make it importable; import what only build needs where it is used"
        found.error(*at, "entry", f"cannot import {module}:{attribute}: {error}", remedy)
    else:
        remedy = "skip with a reason, or leave the file's faults to build"
        found.error(*at, "detect", f"detect fails on an empty file: {error}", remedy)

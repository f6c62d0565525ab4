"""What keeps a builder from running, told before it is made."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cnbkit.errors import BuildpackFault, UserFault
from cnbkit_engine.sandbox.elf import architecture_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from cnbkit_engine.buildpack.module import Module

__all__ = ["check_modules", "check_platform", "check_programs", "check_python"]

# As bin/build begins Python where it is the build image's (buildpack.launcher).
_STARTS = re.compile(r"\bexec (/\S+) -I ")
# As bin/main.py says which Pythons its dependencies are for.
_ONLY_FOR = re.compile(r"^if sys\.version_info\[:2\] not in \((.*)\):$", re.MULTILINE)
_VERSION = re.compile(r"\((\d+), (\d+)\)")


def check_modules(
    modules: Sequence[Module],
    extensions: Sequence[Module],
    arch: str,
    lifecycle: Mapping[str, Any],
    builder: Path,
) -> None:
    """See that buildpacks and extensions fit each other, the processor and the lifecycle.

    Args:
        modules: the buildpacks.
        extensions: the image extensions.
        arch: what the builder is for.
        lifecycle: its lifecycle.toml.
        builder: path of builder.toml.

    Raises:
        BuildpackFault: they do not; all that is wrong is named.
    """
    there = {module.identity for module in modules}
    faults = [
        f"{module.identity} names {entry.get('id')}@{entry.get('version')}, "
        "which the builder does not have"
        for module in modules
        for each in module.order
        for entry in each.get("group") or ()
        if f"{entry.get('id')}@{entry.get('version')}" not in there
    ]
    faults += [
        f"{module.identity} is not for linux/{arch}"
        for module in modules
        if module.targets
        and not any(
            each.get("os") in (None, "linux") and each.get("arch") in (None, "", arch)
            for each in module.targets
        )
    ]
    faults += _cycles({module.identity: module for module in modules})
    faults += _apis([*modules, *extensions], lifecycle)
    if faults:
        raise BuildpackFault(
            "the buildpacks of the builder do not fit together",
            where=str(builder),
            remedy="add what is missing, or remove what does not fit",
            detail="\n".join(faults),
        )


def check_python(folder: Path, found: str, image: str, builder: Path) -> None:
    """See that the build image has a Python that the buildpacks run on.

    Args:
        folder: the buildpacks, as `/cnb/buildpacks`.
        found: version of the build image's Python; empty if it has none, `?` if it is not known.
        image: the build image.
        builder: path of builder.toml.

    Raises:
        UserFault: it has another, or none.
    """
    if found == "?":
        return
    unfit: dict[str, str] = {}
    wanted: dict[str, None] = {}
    for path in sorted(folder.glob("*/*/bin/build")):
        program = _STARTS.search(_text(path))
        if not program:
            continue
        versions = _versions(path.with_name("main.py"))
        if not found or (versions and found not in versions):
            unfit[path.parents[2].name.replace("_", "/")] = program[1]
            wanted.update(dict.fromkeys(versions))
    if not unfit:
        return
    has = f"Python {found}" if found else "no Python"
    names = " or ".join(wanted)
    raise UserFault(
        f"the build image has {has} at {next(iter(unfit.values()))}, and {len(unfit)} of the "
        f"buildpacks run on its Python {names}".rstrip(),
        where=f"{builder}: {image}",
        remedy=f"name a build image with Python {names or '3.11 or newer'}, or name packages made "
        "with `cnbkit package --python any`, or `--python bundled`, which bring their own",
        detail=", ".join(unfit),
    )


def _versions(main: Path) -> list[str]:
    """The Pythons that a buildpack's dependencies are for; none if any will do."""
    told = _ONLY_FOR.search(_text(main))
    return [f"{major}.{minor}" for major, minor in _VERSION.findall(told[1])] if told else []


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def check_platform(what: str, name: str, config: Mapping[str, Any], arch: str) -> None:
    """See that an image is for an architecture.

    Raises:
        UserFault: it is for another.
    """
    told = f"{config.get('os')}/{config.get('architecture')}"
    if told != f"linux/{arch}":
        raise UserFault(
            f"the {what} image is for {told}, not for linux/{arch}",
            where=name,
            remedy=f"name a {what} image for linux/{arch}",
        )


def check_programs(folder: Path, arch: str, archive: str, builder: Path) -> None:
    """See that a lifecycle's programs are for an architecture.

    Raises:
        UserFault: they are for another.
    """
    told = architecture_of(folder / "launcher")
    if told != arch:
        raise UserFault(
            f"the lifecycle in {archive} is for {told or 'another processor'}, not for {arch}",
            where=str(builder),
            remedy="leave [lifecycle] out, or make a builder of its own for each platform",
        )


def _apis(modules: Sequence[Module], lifecycle: Mapping[str, Any]) -> list[str]:
    """Buildpacks that the lifecycle would refuse when it detects."""
    known = (lifecycle.get("apis") or {}).get("buildpack") or {}
    spoken = [*(known.get("supported") or ()), *(known.get("deprecated") or ())]
    version = (lifecycle.get("lifecycle") or {}).get("version", "")
    return [
        f"{module.identity} is written for Buildpack API {module.table.get('api')}, which "
        f"lifecycle {version} does not speak (it has {', '.join(spoken)})"
        for module in modules
        if spoken and str(module.table.get("api")) not in spoken
    ]


def _cycles(modules: Mapping[str, Module]) -> list[str]:
    """Composites that hold themselves, through whatever others."""

    def members(name: str) -> list[str]:
        found = modules.get(name)
        return [
            f"{entry.get('id')}@{entry.get('version')}"
            for each in (found.order if found else ())
            for entry in each.get("group") or ()
        ]

    faults = []
    for name in modules:
        reached, waiting = set(), members(name)
        while waiting:
            each = waiting.pop()
            if each not in reached:
                reached.add(each)
                waiting += members(each)
        if name in reached:
            faults.append(f"{name} holds itself")
    return faults

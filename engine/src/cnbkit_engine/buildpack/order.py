"""An order whose members have their versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit.errors import BuildpackFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from cnbkit_engine.spec.builder import BuilderEntry, BuilderOrder, System

__all__ = ["entries_with_versions", "system_with_versions", "with_versions"]


def with_versions(
    orders: Sequence[BuilderOrder],
    there: Iterable[tuple[str, str]],
    descriptor: Path,
    *,
    what: str = "group",
) -> list[BuilderOrder]:
    """An order with every version filled in, as the lifecycle needs it.

    Args:
        orders: the groups.
        there: id and version of all that may be named.
        descriptor: path of builder.toml.
        what: what a group is called in faults.

    Raises:
        BuildpackFault: it names what is not there, or what is there in several versions.
    """
    known = sorted(set(there))
    return [
        each.replace(group=entries_with_versions(each.group, known, descriptor, f"{what} {number}"))
        for number, each in enumerate(orders, 1)
    ]


def entries_with_versions(
    entries: Sequence[BuilderEntry],
    there: Iterable[tuple[str, str]],
    descriptor: Path,
    where: str,
) -> list[BuilderEntry]:
    """The entries of one group with every version filled in; arguments and faults as above.

    Args:
        entries: the group.
        there: id and version of all that may be named.
        descriptor: path of builder.toml.
        where: the group, in words.
    """
    known = sorted(set(there))
    found = []
    for entry in entries:
        fitting = [
            version
            for name, version in known
            if name == entry.id and entry.version in ("", version)
        ]
        named = f"{entry.id}@{entry.version}" if entry.version else entry.id
        if not fitting:
            names = ", ".join("@".join(pair) for pair in known) or "none"
            raise BuildpackFault(
                f"{where} names {named}, which nothing in the builder is",
                where=str(descriptor),
                remedy=f"add it, or use one of: {names}",
            )
        if len(fitting) > 1:
            raise BuildpackFault(
                f"{where} names {named}, of which there are {len(fitting)} versions",
                where=str(descriptor),
                remedy=f'add version = "…" with one of: {", ".join(fitting)}',
            )
        found.append(entry.replace(version=fitting[0]))
    return found


def system_with_versions(
    system: System, there: Iterable[tuple[str, str]], descriptor: Path
) -> System:
    """The buildpacks before and after every group, with every version filled in.

    Args:
        system: the `[system]` table.
        there: id and version of all that may be named.
        descriptor: path of builder.toml.

    Raises:
        BuildpackFault: as `with_versions`; or one is optional, which the lifecycle does not know.
    """
    known = list(there)
    parts = {}
    for side in ("pre", "post"):
        entries = getattr(system, side).buildpacks
        for entry in entries:
            if entry.optional:
                raise BuildpackFault(
                    f"system.{side} has {entry.id} as optional, which the lifecycle ignores",
                    where=str(descriptor),
                    remedy="let its detect always pass, or put it into the groups of the order",
                )
        entries = entries_with_versions(entries, known, descriptor, f"system.{side}")
        parts[side] = getattr(system, side).replace(buildpacks=entries)
    return system.replace(**parts)

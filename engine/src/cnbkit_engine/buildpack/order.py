"""An order whose members have their versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit.errors import BuildpackFault

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.buildpack.locator import Part
    from cnbkit_engine.spec.builder import BuilderDescriptor, BuilderOrder

__all__ = ["with_versions"]


def with_versions(
    builder: BuilderDescriptor, sources: list[Part], descriptor: Path
) -> list[BuilderOrder]:
    """The order with every version filled in, as the lifecycle needs it.

    Raises:
        BuildpackFault: it names what is not there, or what is there in several versions.
    """
    there = sorted({(source.id, source.version) for source in sources})
    order = []
    for number, each in enumerate(builder.order, 1):
        group = []
        for entry in each.group:
            fitting = [
                version
                for name, version in there
                if name == entry.id and entry.version in ("", version)
            ]
            named = f"{entry.id}@{entry.version}" if entry.version else entry.id
            if not fitting:
                names = ", ".join("@".join(pair) for pair in there)
                raise BuildpackFault(
                    f"group {number} names {named}, which no buildpack is",
                    where=str(descriptor),
                    remedy=f"add the buildpack, or use one of: {names}",
                )
            if len(fitting) > 1:
                raise BuildpackFault(
                    f"group {number} names {named}, of which there are {len(fitting)} versions",
                    where=str(descriptor),
                    remedy=f'add version = "…" with one of: {", ".join(fitting)}',
                )
            group.append(entry.replace(version=fitting[0]))
        order.append(each.replace(group=group))
    return order

"""What an entry of builder.toml says of its buildpack has to be what the buildpack says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit.errors import BuildpackFault

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.spec.builder import BuilderBuildpack

__all__ = ["refuse_another"]


def refuse_another(entry: BuilderBuildpack, id_: str, version: str, descriptor: Path) -> None:
    """See that a buildpack or extension is the one that its entry names, as pack does.

    Args:
        entry: in builder.toml; what it leaves out may be anything.
        id_: what the buildpack is.
        version: its own.
        descriptor: builder.toml.

    Raises:
        BuildpackFault: its id or its version is another one.
    """
    for what, said, has in (("id", entry.id, id_), ("version", entry.version, version)):
        if said and said != has:
            raise BuildpackFault(
                f"{entry.uri or entry.image} has the {what} {has}, not {said}",
                where=str(descriptor),
                remedy=f"write {has}, or leave it out",
            )

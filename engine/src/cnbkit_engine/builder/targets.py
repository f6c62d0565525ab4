"""Which processors a builder image is for: `[[targets]]` of builder.toml, as for pack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit.errors import UserFault

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit.spec.buildpack import TargetEntry
    from cnbkit_engine.spec.builder import BuilderDescriptor

__all__ = ["architectures_of_builder"]

_KNOWN = ("amd64", "arm64")


def architectures_of_builder(builder: BuilderDescriptor, path: Path) -> list[str]:
    """The architectures that builder.toml names; empty if it names none.

    Args:
        builder: its contents.
        path: where it is.

    Raises:
        UserFault: there are no builders of cnbkit's for one of them.
    """
    for target in builder.targets:
        if target.os not in (None, "linux") or target.arch not in (None, *_KNOWN):
            raise UserFault(
                f"cannot make a builder for {_name(target)}",
                where=f"{path}: targets",
                remedy="leave that target out, or choose others with --target linux/amd64",
            )
    return list(dict.fromkeys(target.arch for target in builder.targets if target.arch))


def _name(target: TargetEntry) -> str:
    return "/".join(part for part in (target.os or "linux", target.arch, target.variant) if part)

"""The processors a package is for: as --target says, or as descriptors do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cnbkit.errors import BuildpackFault, UserFault
from cnbkit_engine.buildpack.module import Module

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnbkit_engine.buildpack.locator import Part

__all__ = ["architectures_of", "parse_target"]


def parse_target(text: str) -> str:
    """The architecture of `linux/amd64` or `linux/arm64`.

    Raises:
        UserFault: it is another target.
    """
    match = re.fullmatch(r"linux/(amd64|arm64)(/v8)?", text)
    if not match:
        raise UserFault(
            f"cannot package for {text!r}",
            where="--target",
            remedy="choose linux/amd64 or linux/arm64",
        )
    return match[1]


def architectures_of(parts: Sequence[Part]) -> list[str]:
    """The architectures that all of these buildpacks are for.

    Raises:
        BuildpackFault: there is none.
    """
    declared = []
    for part in parts:
        toml = next(
            path
            for name in ("buildpack.toml", "extension.toml")
            if (path := part.directory / name).is_file()
        )
        targets = Module(toml.parent).targets
        names = {str(each["arch"]) for each in targets if each.get("arch")}
        if targets and any(not each.get("arch") for each in targets):
            names |= {"amd64", "arm64"}
        if not Module(toml.parent).order:
            declared.append(names or {"amd64"})
    common = set.intersection(*declared) if declared else {"amd64"}
    if not common:
        raise BuildpackFault(
            "the buildpacks have no target in common",
            where=", ".join(part.id for part in parts),
            remedy="name one that all of them support: --target linux/amd64",
        )
    return sorted(common)

"""Which of cnbkit's base images a builder is for: `[[targets.distros]]` of builder.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnbkit.errors import UserFault
from cnbkit_engine.base.suites import DEFAULT, SUITES, Suite, suite_of_distro

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["builder_suites"]


def builder_suites(builder: Path) -> list[Suite]:
    """The bases a builder.toml is for, the one to take first: all, if it names none.

    They stand in `[[targets.distros]]`, as for pack.

    Raises:
        UserFault: it is for other systems only.
    """
    every = [DEFAULT, *(suite for suite in SUITES.values() if suite is not DEFAULT)]
    named = _distros(builder)
    if not named:
        return every
    found = [suite for each in named if (suite := suite_of_distro(*each))]
    if not found:
        told = ", ".join(f"{name} {version}" for name, version in named)
        known = " and ".join(f"debian {suite.version}" for suite in every)
        raise UserFault(
            f"there is no base for {told}",
            where=f"{builder}: targets.distros",
            remedy=f"cnbkit makes {known}; for others name [build] image and make a builder image",
        )
    return list(dict.fromkeys(found))


def _distros(builder: Path) -> list[tuple[str, str]]:
    try:
        text = builder.read_bytes()
    except OSError:
        return []  # whoever reads it next says so
    if b"distros" not in text:
        return []
    import tomllib

    try:
        targets: Any = tomllib.loads(text.decode()).get("targets", [])
        return [
            (str(each.get("name", "")), str(each.get("version", "")))
            for target in targets
            for each in target.get("distros", [])
        ]
    except (ValueError, AttributeError, TypeError, RecursionError):
        return []

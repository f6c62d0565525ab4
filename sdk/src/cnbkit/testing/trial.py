"""One trial of a group: which of its buildpacks' plans fit together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cnbkit.spec.buildpack import Order, OrderEntry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import TypeAlias

    from cnbkit.spec.build_plan import Require

    Group: TypeAlias = "Order | Sequence[str | OrderEntry]"

__all__ = ["Element", "Name", "Option", "elements", "match", "unmatched"]


@dataclass(frozen=True)
class Element:
    """A buildpack or extension as an order names it."""

    id: str
    version: str
    optional: bool
    extension: bool = False

    @property
    def key(self) -> tuple[bool, str]:
        """Which one it is: an extension may be named like a buildpack."""
        return self.extension, str(self)

    def __str__(self) -> str:
        return f"{self.id}@{self.version}" if self.version else self.id


@dataclass(frozen=True)
class Option:
    """One of the plans of one buildpack, as part of a trial."""

    element: Element
    provides: tuple[str, ...]
    requires: tuple[Require, ...]


@dataclass
class Name:
    """One name of a trial's plans: who provides it to whom."""

    providers: list[Element] = field(default_factory=list)
    requires: list[Require] = field(default_factory=list)
    unused: list[Element] = field(default_factory=list)
    early: list[Element] = field(default_factory=list)


def match(trial: Sequence[Option]) -> dict[str, Name]:
    """Who provides each name to whom, in the order of the trial."""
    names: dict[str, Name] = {}
    for option in trial:
        for provided in option.provides:
            names.setdefault(provided, Name()).unused.append(option.element)
        for require in option.requires:
            name = names.setdefault(require.name, Name())
            name.providers += name.unused
            name.unused = []
            if name.providers:
                name.requires.append(require)
            else:
                name.early.append(option.element)
    return names


def unmatched(names: Mapping[str, Name]) -> Iterator[tuple[Element, str]]:
    """Whose plan does not fit, and why: requirements that come too early, then what is unused."""
    for name, each in names.items():
        yield from ((element, f"requires {name}") for element in each.early)
    for name, each in names.items():
        yield from ((element, f"provides unused {name}") for element in each.unused)


def elements(group: Group) -> list[Element]:
    """A group's members: `id`, `id@version`, either with `?`; or entries of a descriptor."""
    entries = group.group if isinstance(group, Order) else group
    return [
        _parsed(entry)
        if isinstance(entry, str)
        else Element(entry.id, entry.version, entry.optional)
        for entry in entries
    ]


def _parsed(text: str) -> Element:
    name, version = text.removesuffix("?").partition("@")[::2]
    return Element(name, version, text.endswith("?"))

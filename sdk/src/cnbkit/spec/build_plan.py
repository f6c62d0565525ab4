"""The build plan that detect offers and the buildpack plan that build gets.

buildpack.md, "Build Plan (TOML)" and "Buildpack Plan (TOML)".
"""

from __future__ import annotations

from cnbkit.errors import BuildpackFault, InvalidDocument
from cnbkit.spec.model import Model, field
from cnbkit.spec.toml import Document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeVar

    M = TypeVar("M", bound=Model)

__all__ = ["BuildPlan", "BuildpackPlan", "Entry", "Plan", "Provide", "Require"]


class Provide(Model):
    """Something this buildpack can contribute."""

    name: str


class Require(Model):
    """Something this buildpack needs, with what the provider should know about the need."""

    name: str
    metadata: dict[str, Any] = field(default_factory=dict)


class Alternative(Model):
    """One set of provides and requires."""

    provides: list[Provide] = field(default_factory=list)
    requires: list[Require] = field(default_factory=list)


class BuildPlan(Document):
    """What detect writes: a first choice, then alternatives in order."""

    provides: list[Provide] = field(default_factory=list)
    requires: list[Require] = field(default_factory=list)
    alternatives: list[Alternative] = field(default_factory=list, toml="or")


class Entry(Model, extra="ignore"):
    """One requirement another buildpack (or this one) put to this buildpack."""

    name: str
    metadata: dict[str, Any] = field(default_factory=dict)


class BuildpackPlan(Document, extra="ignore"):
    """What build gets: one entry per require of a name this buildpack provided."""

    entries: list[Entry] = field(default_factory=list)

    def named(self, name: str) -> list[Entry]:
        """All entries of that name, in the order of the buildpacks that required it."""
        return [entry for entry in self.entries if entry.name == name]

    def read(self, name: str, kind: type[M]) -> list[M]:
        """The metadata of each entry of that name, typed.

        Args:
            name: what is required.
            kind: a `Model` of yours; declare it with `extra="ignore"` unless you know of every
                buildpack that may require it.

        Raises:
            BuildpackFault: what another buildpack wrote does not fit; every fault is named.
        """
        found, wrong = [], []
        for number, entry in enumerate(self.named(name), 1):
            try:
                found.append(kind.parse(entry.metadata))
            except InvalidDocument as invalid:
                wrong += [f"requirement {number}: {fault}" for fault in invalid.faults]
        if wrong:
            raise BuildpackFault(
                f"{name} is required in a way that does not fit",
                where=f"the buildpack plan's entries for {name}",
                remedy="report it to the authors of the buildpacks that require it",
                detail="\n".join(wrong),
            )
        return found

    def merged(
        self, name: str, kind: type[M], *, first: Callable[[M], Any] | None = None
    ) -> M | None:
        """What all entries of that name ask for together; None if nobody does.

        A flag holds if one of them sets it, lists are joined without repetition, tables are
        joined too, and anything else is as the first says it that does.

        Args:
            name: what is required.
            kind: as for `read`.
            first: which counts first where they differ: the one with the smallest answer, as
                in `sorted`; in the order of the buildpacks if not given.

        Raises:
            BuildpackFault: as `read`.
        """
        pairs = list(zip(self.read(name, kind), self.named(name), strict=True))
        if not pairs:
            return None
        if first is not None:
            order = first
            pairs.sort(key=lambda pair: order(pair[0]))
        values: dict[str, Any] = {}
        for found, entry in pairs:
            for field_, spec in kind.__fields__.items():
                if (spec.toml or field_) in entry.metadata:
                    said = getattr(found, field_)
                    values[field_] = _both(values[field_], said) if field_ in values else said
        return kind(**values)


def _both(before: Any, after: Any) -> Any:
    if isinstance(before, bool) and isinstance(after, bool):
        return before or after
    if isinstance(before, list) and isinstance(after, list):
        return before + [each for each in after if each not in before]
    if isinstance(before, dict) and isinstance(after, dict):
        return {**after, **before}
    return before


def _check_name(method: str, name: object) -> None:
    if not isinstance(name, str) or not name:
        raise BuildpackFault(
            f"Plan().{method}({name!r}): that is not a name of something to provide",
            remedy=f'give each name as a text: Plan().provides("a", "b") or .{method}("a")',
        )


class Plan:
    """A build plan as a value: `Plan().provides("x").requires("y", version="1") | Plan()…`.

    Left of `|` is the first choice. Instances never change; each call gives a new one.
    """

    __slots__ = ("_alternatives",)

    def __init__(self, alternatives: Sequence[Alternative] | None = None) -> None:
        self._alternatives = tuple(alternatives or (Alternative(),))

    def provides(self, *names: str) -> Plan:
        """Offer these names."""
        for each in names:
            _check_name("provides", each)
        head, last = self._alternatives[:-1], self._alternatives[-1]
        added = last.replace(provides=[*last.provides, *(Provide(name=name) for name in names)])
        return Plan((*head, added))

    def requires(self, name: str, **metadata: Any) -> Plan:
        """Need this name; keyword arguments become the requirement's metadata."""
        _check_name("requires", name)
        head, last = self._alternatives[:-1], self._alternatives[-1]
        added = last.replace(requires=[*last.requires, Require(name=name, metadata=metadata)])
        return Plan((*head, added))

    def __or__(self, other: Plan) -> Plan:
        return Plan((*self._alternatives, *other._alternatives))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and self._alternatives == other._alternatives

    def __hash__(self) -> int:
        return hash(self._alternatives)

    def __repr__(self) -> str:
        return f"Plan({self.document()!r})"

    @property
    def alternatives(self) -> tuple[Alternative, ...]:
        """The choices, first the preferred one."""
        return self._alternatives

    def document(self) -> BuildPlan:
        """The plan as the document detect writes."""
        first, *others = self._alternatives
        return BuildPlan(
            provides=first.provides, requires=first.requires, alternatives=list(others)
        )

"""What `decide` comes to."""

from __future__ import annotations

from cnbkit import BuildResult, Decision

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cnbkit import LayerKey
    from cnbkit_start.choice import Choice

__all__ = ["Chosen"]


class Chosen(Decision):
    """The processes.

    Attributes:
        choice: them.
        programs: process type → the name of the program that looks at its limits.
        at_launch: the key of the layer with these programs; None if nothing starts.
        large: files of the app that get layers of their own.
    """

    def __init__(
        self,
        result: BuildResult | None = None,
        *,
        choice: Choice | None = None,
        programs: Mapping[str, str] | None = None,
        at_launch: LayerKey | None = None,
        large: Sequence[str] = (),
        rest: str = "",
    ) -> None:
        super().__init__(result, rest=rest)
        self._choice = choice
        self.programs = programs or {}
        self.at_launch = at_launch
        self.large = large

    @property
    def choice(self) -> Choice:
        """There is none only where the rest is not known yet."""
        assert self._choice
        return self._choice

"""Faults of which more can be found out than the failing program says."""

from __future__ import annotations

from cnbkit import UserFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_pip.diagnosis.compile_faults import Lack
    from cnbkit_pip.engines.engine import Wanted

__all__ = ["Uncompiled", "Unparsed", "Unresolved"]


class Unresolved(UserFault):
    """There is no set of packages for the requirements.

    Attributes:
        output: all that the program printed.
    """

    output = ""


class Unparsed(Unresolved):
    """A line is not a requirement: nothing has been asked of an index yet."""


class Uncompiled(Unresolved):
    """A package has no wheel for the image, and its source cannot be compiled.

    Attributes:
        name: of the package.
        version: empty if it is not known.
        lacking: what the compilation missed.
    """

    name = ""
    version = ""
    lacking: tuple[Lack, ...] = ()

    def placed(self, wanted: Wanted) -> Uncompiled:
        """The same with the line that asks for the package."""
        self.where = wanted.where(self.name)
        if ":" not in self.where and self.name not in self.where:
            self.where = f"{self.where} ({self.name})"
        return self

    def mention(self, line: str) -> None:
        """Say it below the remedy, before what the compiler says."""
        self.detail = f"{line}\n{self.detail}" if self.detail else line

"""The table of settings in a buildpack's README, kept in step with its code."""

from __future__ import annotations

from cnbkit.config import table
from cnbkit.errors import BuildpackFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit.config import Config

__all__ = ["BEGIN", "END", "in_step", "rendered"]

BEGIN = "<!-- settings: begin -->"
END = "<!-- settings: end -->"


def rendered(readme: str, config: type[Config]) -> str:
    """The README with the table between its markers.

    Raises:
        BuildpackFault: the markers are missing, or not one after the other.
    """
    before, begin, rest = readme.partition(BEGIN)
    between, end, after = rest.partition(END)
    if not begin or not end or BEGIN in between + after or END in before + after:
        raise BuildpackFault(
            "README.md has no place for the settings",
            where="README.md",
            remedy=f"add the two lines {BEGIN} and {END} where the table should stand",
        )
    return f"{before}{begin}\n\n{table(config)}\n{end}{after}"


def in_step(readme: str, config: type[Config]) -> bool:
    """Whether the README says what the code says.

    Raises:
        BuildpackFault: as `rendered`.
    """
    return rendered(readme, config) == readme

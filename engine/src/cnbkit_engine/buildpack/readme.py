"""The table of settings in a buildpack's README, kept in step with its code."""

from __future__ import annotations

from cnbkit.errors import BuildpackFault

__all__ = ["BEGIN", "END", "rendered"]

BEGIN = "<!-- settings: begin -->"
END = "<!-- settings: end -->"


def rendered(readme: str, table: str) -> str:
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
    return f"{before}{begin}\n\n{table}\n{end}{after}"

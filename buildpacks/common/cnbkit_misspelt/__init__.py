"""Names that people give to a requirements.txt by a slip, and no tool reads."""

from __future__ import annotations

__all__ = ["MISSPELT"]

MISSPELT = (
    *("requirement.txt", "requirments.txt", "requeriments.txt", "requirements.txt.txt"),
    # As written on systems where capitals do not count.
    *("Requirements.txt", "REQUIREMENTS.txt", "requirements.text", "requirements.TXT"),
)
"""Seen in the wild often enough to be worth an explanation."""

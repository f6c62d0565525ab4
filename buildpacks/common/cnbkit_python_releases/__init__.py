"""How long each minor version of Python gets security fixes, by python.org's schedule."""

from __future__ import annotations

__all__ = ["END_OF_LIFE", "end_of_life", "outlived"]

END_OF_LIFE = {
    "3.8": "2024-10-07",
    "3.9": "2025-10-31",
    "3.10": "2026-10-31",
    "3.11": "2027-10-31",
    "3.12": "2028-10-31",
    "3.13": "2029-10-31",
    "3.14": "2030-10-31",
}
"""The last day, by minor version."""


def end_of_life(version: str) -> str:
    """The last day of a version's fixes, like "2025-10-31"; empty if it is not known."""
    return END_OF_LIFE.get(".".join(version.split(".")[:2]), "")


def outlived(version: str, day: str) -> str:
    """A warning of a version that gets no fixes on a day; empty if it does, or nobody knows."""
    end = end_of_life(version)
    if not end or end >= day:
        return ""
    minor = ".".join(version.split(".")[:2])
    return f"Python {minor} has had no security fixes since {end}: move to a later one"

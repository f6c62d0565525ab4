"""One target for each format that others write and cnbkit reads."""

from __future__ import annotations

from pathlib import Path

from . import of_apps, of_authors, of_builds, of_packages, of_settings

__all__ = ["FORMATS", "corpus"]

CORPUS = Path(__file__).parent / "corpus"

FORMATS = {
    each.name: each
    for group in (of_apps, of_authors, of_builds, of_packages, of_settings)
    for each in group.FORMATS
}
"""By their names."""


def corpus(name: str) -> list[bytes]:
    """Inputs to begin with: right ones, and such that once were read wrongly."""
    return [path.read_bytes() for path in sorted((CORPUS / name.lstrip(".")).iterdir())]

"""What an image is called that nobody names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["name_of"]


def name_of(path: Path) -> str:
    """The folder's name as an image name: lower case, and nothing but what registries allow."""
    kept = [
        char if char.isascii() and char.isalnum() else "-" for char in path.resolve().name.lower()
    ]
    return "-".join(part for part in "".join(kept).split("-") if part) or "app"

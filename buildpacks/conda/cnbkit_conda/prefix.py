"""Where in its layer the environment lies."""

from __future__ import annotations

__all__ = ["prefix_of", "site_packages"]


def prefix_of(layer: str) -> str:
    """The prefix.

    Not the layer itself: the lifecycle would put its `lib` on LD_LIBRARY_PATH, and every program
    of the image would load conda's libraries.
    """
    return f"{layer}/conda"


def site_packages(prefix: str, python: str) -> str:
    """Where Python's packages are; `python` is a full version."""
    return f"{prefix}/lib/python{'.'.join(python.split('.')[:2])}/site-packages"

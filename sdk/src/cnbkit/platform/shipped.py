"""Where the files live that cnbkit carries besides its Python code."""

from __future__ import annotations

from pathlib import Path

__all__ = ["shipped"]

_IN_WHEEL = {"builder/base": "_base", "tools": "_tools"}


def shipped(name: str) -> Path:
    """Find a folder or file of the repository, in a checkout or in an installed wheel.

    A checkout comes first, so that an edit there takes effect at once.

    Args:
        name: path from the repository's root, such as `builder/base` or `tools/lifecycle`.
    """
    package = Path(__file__).resolve().parents[1]
    checkout = package.parents[2]
    # an installed package has site-packages above it, not sdk/src
    if package.parts[-3:-1] == ("sdk", "src") and (checkout / name).exists():
        return checkout / name
    for source, target in _IN_WHEEL.items():
        if name == source or name.startswith(f"{source}/"):
            return package / f"{target}{name.removeprefix(source)}"
    return package / name

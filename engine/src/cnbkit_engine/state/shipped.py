"""Where the files live that cnbkit carries besides its Python code."""

from __future__ import annotations

import sys
from pathlib import Path

from cnbkit.errors import UserFault

__all__ = ["shipped"]

_IN_WHEEL = {"engine/src/cnbkit_engine/base/recipes": "_base", "tools": "_tools"}
_BUILDPACKS = "cnbkit_buildpacks"


def shipped(name: str) -> Path:
    """Find a folder or file of the repository, in a checkout or in installed wheels.

    A checkout comes first, so that an edit there takes effect at once. The reference builder and
    its buildpacks are a wheel of their own, `cnbkit-buildpacks`.

    Args:
        name: path from the repository's root, such as `engine/src/cnbkit_engine/base/recipes` or `engine/src/cnbkit_engine/tools/modules/lifecycle`.

    Raises:
        UserFault: it belongs to `cnbkit-buildpacks`, which is not installed.
    """
    package = Path(__file__).resolve().parents[1]
    checkout = package.parents[2]
    # an installed package has site-packages above it, not sdk/src
    if package.parts[-3:-1] == ("sdk", "src") and (checkout / name).exists():
        return checkout / name
    for source, target in _IN_WHEEL.items():
        if name == source or name.startswith(f"{source}/"):
            return package / f"{target}{name.removeprefix(source)}"
    for folder in sys.path:
        found = Path(folder, _BUILDPACKS, name)
        if found.exists():
            return found.resolve()
    raise UserFault(
        "the reference buildpacks are not installed",
        where=sys.prefix,
        remedy="pip install cnbkit-buildpacks, or name a builder.toml of your own (--builder)",
    )

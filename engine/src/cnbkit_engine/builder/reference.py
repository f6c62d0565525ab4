"""Where the reference builder lies: in a checkout, or in the wheel `cnbkit-buildpacks`."""

from __future__ import annotations

import sys
from pathlib import Path

from cnbkit.errors import UserFault

__all__ = ["reference_builder"]

_IN_WHEEL = Path("cnbkit_buildpacks", "builder", "builder.toml")


def reference_builder() -> Path:
    """The path of the reference builder's builder.toml.

    A checkout comes first, so that an edit there takes effect at once.

    Raises:
        UserFault: `cnbkit-buildpacks` is not installed.
    """
    package = Path(__file__).resolve().parents[1]
    # An installed package has site-packages above it, not engine/src.
    if package.parts[-3:-1] == ("engine", "src"):
        checkout = package.parents[2] / "builder" / "builder.toml"
        if checkout.exists():
            return checkout
    for folder in sys.path:
        found = Path(folder, _IN_WHEEL)
        if found.exists():
            return found.resolve()
    raise UserFault(
        "the reference buildpacks are not installed",
        where=sys.prefix,
        remedy="pip install cnbkit-buildpacks, or name a builder.toml of your own (--builder)",
    )

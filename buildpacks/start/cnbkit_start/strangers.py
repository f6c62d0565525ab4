"""Whether buildpacks of others take part, of which this one knows nothing."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import BuildContext, DetectContext

__all__ = ["has_strangers"]


def has_strangers(ctx: DetectContext | BuildContext) -> bool:
    """Whether the builder has some: they may make files of the app, and ask for groups."""
    own = ctx.env.get("CNB_BUILDPACK_DIR", "")
    folder = os.path.dirname(os.path.dirname(own))
    try:
        names = os.listdir(folder)
    except OSError:
        return True
    return any(not name.startswith("cnbkit_") for name in names)

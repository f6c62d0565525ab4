"""What the person who builds may set."""

from __future__ import annotations

from cnbkit import Config, Option
from cnbkit_start.choice import ENTRYPOINT

__all__ = ["Options"]


class Options(Config):
    """Options of the start buildpack."""

    file = Option.text(
        "BP_ENTRYPOINT_FILE", default=ENTRYPOINT, help="File of the app with its processes"
    )
    default = Option.text("BP_DEFAULT_PROCESS", help="The process that the image starts")
    check = Option.choice(
        *("BP_START_CHECK", "fail", "warn", "off"),
        help="What happens when the process that the image starts cannot start",
    )
    collect = Option.flag(
        "BP_DJANGO_COLLECTSTATIC",
        default=True,
        help="Collect Django's static files, where its settings say where to",
    )

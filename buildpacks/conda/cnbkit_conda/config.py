"""The settings of this buildpack."""

from __future__ import annotations

from cnbkit import Config, Option
from cnbkit_process_groups import SETTING

__all__ = ["CHANNELS", "MIRROR", "CondaConfig"]


# Not options: an address may have a login in it, and only that is to be hidden.
CHANNELS = "BP_CONDA_CHANNELS"
MIRROR = "BP_CONDA_MIRROR"


class CondaConfig(Config):
    """What the person who builds may set, besides channels and mirrors."""

    input = Option.text("BP_CONDA_INPUT", help="The file that says what to install")
    environment = Option.text(
        "BP_CONDA_ENVIRONMENT", default="default", help="The environment of a pixi.lock"
    )
    cuda = Option.text("BP_CONDA_CUDA", help="Version of CUDA the solver may count on, like 12.8")
    glibc = Option.text("BP_CONDA_GLIBC", help="Version of glibc the solver may count on")
    keep_packages = Option.flag(
        "BP_CONDA_KEEP_PACKAGES", help="Keep unpacked packages in the build cache"
    )
    refresh = Option.text("BP_CONDA_REFRESH", help="A new value solves again, and takes news")
    limit = Option.number(
        "BP_CONDA_TIME_LIMIT",
        default=60,
        help="Minutes that solving and installing may take, each",
        at_least=1,
    )
    size_limit = Option.number(
        "BP_CONDA_SIZE_LIMIT",
        default=64_000,
        help="Megabytes that channels' indexes, and the packages unpacked, may take, each",
        at_least=1,
    )
    process_groups = Option.text(
        SETTING, help="Dependency groups of process types, like `train=train,viz notebook=viz`"
    )

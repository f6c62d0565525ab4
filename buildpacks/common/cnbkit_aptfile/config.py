"""What may be set, of the buildpack and of the extension alike."""

from __future__ import annotations

from cnbkit import Config, Option

__all__ = ["MODE", "AptConfig"]

MODE = "BP_APT_MODE"


class AptConfig(Config):
    """What may be set."""

    input = Option.text("BP_APT_INPUT", help="The file to read in place of `Aptfile`")
    mirror = Option.text(
        "BP_APT_MIRROR",
        help="Address that stands in for scheme and host of the build image's own sources",
        secret=True,  # it may hold a login
    )
    mode = Option.choice(
        MODE,
        "layer",
        "image",
        help="`layer`: packages are unpacked in a layer; `image`: the extension apt-image installs "
        "them in the run and the build image",
    )
    recommends = Option.flag(
        "BP_APT_RECOMMENDS", help="Install what packages recommend, too; as a rule needless"
    )
    refresh = Option.text("BP_APT_REFRESH", help="Any new value takes the newest versions again")

"""What the person who builds may set."""

from __future__ import annotations

from cnbkit import Config, Option

__all__ = ["CONDA", "ENTRYPOINT", "FUNCTION", "PROCFILE", "Options"]

ENTRYPOINT = "entrypoint.toml"
PROCFILE = "Procfile"
FUNCTION = "GOOGLE_FUNCTION_TARGET"
"""The variable by which Google's buildpacks are told which function to serve."""

CONDA = ("environment.yml", "environment.yaml", "conda-lock.yml", "pixi.lock")
"""Of an app with one of these packages are known only once the environment is solved."""


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

"""What the person who builds may set."""

from __future__ import annotations

from cnbkit import Config, Option
from cnbkit_process_groups import SETTING

__all__ = ["PythonConfig"]


class PythonConfig(Config):
    """Options of the python buildpack."""

    version = Option.text(
        "BP_PYTHON_VERSION", help="A version or range, like `3.12` or `>=3.11,<3.13`"
    )
    input = Option.text(
        "BP_PYTHON_INPUT", help="The file with the dependencies, or requirements files with commas"
    )
    folder = Option.text(
        "BP_PYTHON_FOLDER",
        help="The folder of the app with the project, like `services/api`; for repositories of "
        "several",
    )
    process_groups = Option.text(
        SETTING, help="Dependency groups of process types, like `train=train,viz notebook=viz`"
    )
    standalone = Option.flag(
        "BP_PYTHON_STANDALONE",
        help="A standalone build even if the base image's Python would do",
    )
    mirror = Option.text(
        "BP_PYTHON_MIRROR", help="Where standalone builds come from instead of GitHub"
    )
    downloads = Option.text(
        "BP_PYTHON_DOWNLOADS", help="Path or URL of a list of standalone builds of your own"
    )

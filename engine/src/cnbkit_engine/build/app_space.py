"""What the phases of a build find of an app: its copy, and the variables it is built with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit_engine.build.app_copy import copy_app
from cnbkit_engine.build.app_report import told_of_app

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from cnbkit_engine.build.app_copy import Copied
    from cnbkit_engine.build.app_files import AppFiles

__all__ = ["laid_out"]


def laid_out(
    space: Path,
    app: Path,
    files: AppFiles,
    given: Mapping[str, str],
    builder: Path,
    show: Callable[[str], None],
    *,
    exec_env: str = "",
) -> Copied:
    """Fill a build's own folder, and say what there is to say about the app.

    Args:
        space: the folder, as `PhaseSandboxes` needs it.
        app: the app's folder.
        files: the choice of its files.
        given: the build's variables without those of project.toml.
        builder: the folder with assembled buildpacks.
        show: prints a line.
        exec_env: what the image is for, if that was said.

    Raises:
        UserFault: the app is at fault.
        PlatformFault: it cannot be copied.
    """
    for folder in ("platform/env", "tmp", "home", "exporter-tmp"):
        (space / folder).mkdir(parents=True)
    copied = copy_app(app, space / "workspace", files)
    told_of_app(copied, files, given, builder, show)
    variables = {**files.variables, **given}
    if exec_env:
        # The lifecycle tells only buildpacks for Buildpack API 0.12; the user's variables all get.
        variables["CNB_EXEC_ENV"] = exec_env
    for name, value in variables.items():
        (space / "platform" / "env" / name).write_text(value, encoding="utf-8")
    return copied

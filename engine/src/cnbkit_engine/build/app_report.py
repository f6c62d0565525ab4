"""What a build says of its app's files and variables before anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit.log import Log
from cnbkit_engine.build.app_files import PROJECT
from cnbkit_engine.build.lfs_pointers import pointers
from cnbkit_engine.build.named_files import PYPROJECT
from cnbkit_engine.build.secret_files import SETTING, judge
from cnbkit_engine.build.settings import unknown_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from cnbkit_engine.build.app_copy import Copied
    from cnbkit_engine.build.app_files import AppFiles

__all__ = ["told_of_app"]


def told_of_app(
    copied: Copied,
    files: AppFiles,
    given: Mapping[str, str],
    builder: Path,
    show: Callable[[str], None],
) -> None:
    """Say what of the app is not part of the build, what should not be, and what nobody reads.

    Args:
        copied: what became of its files.
        files: the choice.
        given: the build's variables without those of project.toml.
        builder: the folder with assembled buildpacks.
        show: prints a line.

    Raises:
        UserFault: files look like secrets, and `BP_SECRET_FILES` is `fail`.
    """
    for note in files.notes:
        show(f"{PROJECT}: {note}")
    if copied.not_chosen:
        count = copied.not_chosen
        show(f"Left out of the app by {files.source}: {Log.counted(count, 'file')}")
    for name in sorted(files.kept):
        show(f"{name} stays, though {files.source} leaves it out: {PYPROJECT} names it")
    for line in copied.left_out:
        show(f"Left out of the app: {line}")
    for line in copied.sparse:
        show(f"Never written, and zeros in the image: {line}")
    if copied.pointers:
        show(pointers(copied.pointers))
    for line in unknown_settings({"--env": given, PROJECT: files.variables}, builder):
        show(line)
    env = {**files.variables, **given}
    judge(copied.secrets, env.get(SETTING, ""), files.source, show)

"""What a build says of its app's files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit_engine.build.app_files import PROJECT
from cnbkit_engine.build.secret_files import SETTING, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cnbkit_engine.build.app_copy import Copied
    from cnbkit_engine.build.app_files import AppFiles

__all__ = ["told_of_files"]


def told_of_files(
    copied: Copied, files: AppFiles, env: Mapping[str, str], show: Callable[[str], None]
) -> None:
    """Say what of the app is no part of the build, and what should not be.

    Args:
        copied: what became of its files.
        files: the choice.
        env: the build's variables.
        show: prints a line.

    Raises:
        UserFault: files look like secrets, and `BP_SECRET_FILES` is `fail`.
    """
    for note in files.notes:
        show(f"{PROJECT}: {note}")
    if copied.not_chosen:
        count = copied.not_chosen
        show(f"Left out of the app by {files.source}: {count} {'file' if count == 1 else 'files'}")
    for line in copied.left_out:
        show(f"Left out of the app: {line}")
    for line in copied.sparse:
        show(f"Never written, and zeros in the image: {line}")
    judge(copied.secrets, env.get(SETTING, ""), files.source, show)

"""What a file of an app says, read on the machine of whoever builds it.

An app is a stranger's: a name in it may be a pipe nobody writes to, a device without end, or a
link to the reader's own files. Links within the app are followed, as they are in the image.
"""

from __future__ import annotations

import os

from cnbkit_engine.state.beneath import Folder, Unfit

__all__ = ["app_text"]


# Bytes; the largest lock of a real project has a third of it.
_LIMIT = 1 << 24


def app_text(app: str | os.PathLike[str], name: str, limit: int = _LIMIT) -> str | None:
    """A text in an app; None if there is no such file, or it is not to be read.

    Args:
        app: its folder.
        name: relative to it; one that leads out of it is not a file of the app.
        limit: bytes; nothing is read of a larger one.
    """
    root = os.path.realpath(app)
    try:
        path = os.path.relpath(os.path.realpath(f"{root}/{name}"), root)
        with Folder(root) as folder:
            return folder.read(path, limit).decode()
    except (OSError, Unfit, ValueError):  # ValueError: it leads out, or is not UTF-8
        return None

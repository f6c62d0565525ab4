"""Text as the tool that a file belongs to reads it."""

from __future__ import annotations

import codecs

from cnbkit import BuildContext, UserFault

__all__ = ["check_mark"]


def check_mark(ctx: BuildContext, name: str, tool: str) -> None:
    """See that a file does not begin with a byte order mark, which its tool refuses.

    Args:
        ctx: the build.
        name: of the file.
        tool: what to call it.

    Raises:
        UserFault: it does.
    """
    if ctx.app.bytes(name).startswith(codecs.BOM_UTF8):
        raise UserFault(
            f"{name} begins with a byte order mark, which {tool} does not read",
            where=f"{name}:1",
            remedy=f"save {name} as UTF-8 without a byte order mark",
        )

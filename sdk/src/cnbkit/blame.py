"""The line of an author's code that a fault of the buildpack comes from.

The author's is all but this package, installed ones and the interpreter's own library.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType

__all__ = ["authors", "calling_line", "raising_line", "told_traceback"]

# With this package lie, in a packaged buildpack and in an environment alike, those it imports.
_PACKAGES = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + "/"
_LIBRARY = os.path.dirname(os.path.abspath(os.__file__)) + "/"


def authors(file: str) -> bool:
    """Whether a file is the author's."""
    if file.startswith((_PACKAGES, _LIBRARY, "<frozen ")):
        return False
    return "/site-packages/" not in file and "/dist-packages/" not in file


def calling_line() -> str:
    """`file:line` of the author's code that is running; empty if there is none."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if authors(frame.f_code.co_filename):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def raising_line(error: BaseException) -> str:
    """`file:line` of the author's code that an exception came through last; else empty."""
    found = ""
    at: TracebackType | None = error.__traceback__
    while at is not None:
        if authors(at.tb_frame.f_code.co_filename):
            found = f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}"
        at = at.tb_next
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    return found


def told_traceback(error: BaseException) -> str:
    """The traceback with the author's frames first and those of cnbkit at its end."""
    import traceback

    whole = traceback.TracebackException.from_exception(error)
    own = [each for each in whole.stack if authors(each.filename)]
    others = [each for each in whole.stack if not authors(each.filename)]
    if not own:
        return "".join(whole.format()).rstrip()
    whole.stack = traceback.StackSummary.from_list(own)
    lines = [*whole.format()]
    if others:
        lines += ["by way of:\n", *traceback.StackSummary.from_list(others).format()]
    return "".join(lines).rstrip()

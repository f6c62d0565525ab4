"""Which line of an author's code a fault of the buildpack comes from, and the fault it makes.

The author's is all but this package, installed ones and the interpreter's own library.
"""

from __future__ import annotations

import os
import sys

from cnbkit.errors import BuildpackFault, CnbkitError, PlatformFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType

__all__ = [
    "authors",
    "calling_line",
    "fault_of",
    "line_of",
    "no_phase",
    "raising_line",
    "told_traceback",
    "wrong_answer",
]

# With this package lie, in a packaged buildpack and in an environment alike, those it imports.
_PACKAGES = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + "/"
_FULL = (28, 122)  # ENOSPC and EDQUOT of Linux; `errno` would be imported for this alone
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


def fault_of(error: BaseException, buildpack: str, phase: str) -> CnbkitError:
    """The fault that an exception out of a phase is.

    Args:
        error: what was raised.
        buildpack: name of the author's class.
        phase: "detect", "build" or "generate".
    """
    from cnbkit.command import CommandFailed

    if isinstance(error, CommandFailed) and os.strerror(_FULL[0]) in error.output:
        return _full_disk(error.argv[0], error.shown)
    if isinstance(error, CnbkitError):
        if isinstance(error, BuildpackFault):
            line = raising_line(error)
            if not error.where:
                error.where = line or None
            elif not error.where.startswith(line):
                error.code_line = line
        return error
    if isinstance(error, OSError) and error.errno in _FULL:
        place = error.filename if isinstance(error.filename, str) else raising_line(error)
        return _full_disk(place, str(error))
    if isinstance(error, SystemExit):
        # Its status could be taken for success, or for detect's "not mine".
        fault = BuildpackFault(
            f"{buildpack} called sys.exit({error.code!r}) in {phase}",
            remedy="return what the phase comes to, or raise a UserFault",
        )
    else:
        said = f"{type(error).__name__}: {error}".partition("\n")[0].removesuffix(": ")
        fault = BuildpackFault(
            f"{said} ({buildpack} failed in {phase})",
            where=raising_line(error) or None,
            remedy="report this to the buildpack's author, with the text below",
            detail=told_traceback(error),
        )
    fault.layer = getattr(error, "layer", "")
    return fault


def _full_disk(place: str, detail: str) -> PlatformFault:
    return PlatformFault(
        "the disk is full",
        where=place or None,
        remedy="free space where the build's folders are; `df -h` and `df -i` show whether"
        " bytes or files are used up",
        detail=detail,
    )


def wrong_answer(buildpack: object, phase: str, answer: object, kind: type) -> BuildpackFault:
    """The fault of a phase that returned something else than it has to.

    Args:
        buildpack: the author's.
        phase: "detect", "build" or "generate".
        answer: what it returned.
        kind: what it has to return.
    """
    remedy = f"return {kind.__name__}(…)"
    if hasattr(answer, "close") and hasattr(answer, "throw"):
        answer.close()  # else Python warns that nobody awaited it
        remedy = f"write `def {phase}` without `async` and `yield`; asyncio.run(…) in it waits"
    if phase == "detect":
        remedy = "return ctx.join(reason, plan) or ctx.skip(reason)"
    return BuildpackFault(
        f"{type(buildpack).__name__}.{phase} returned {answer!r}",
        where=line_of(buildpack, phase),
        remedy=remedy,
    )


def line_of(buildpack: object, phase: str) -> str | None:
    """`file:line` where a buildpack's phase begins; None if it is in no file.

    Of a buildpack under test that is the author's code, and of one in two steps the second.
    """
    kind = type(getattr(buildpack, "__wrapped__", buildpack))
    for step in (phase, "contribute") if phase == "build" else (phase,):
        code = getattr(getattr(kind, step, None), "__code__", None)
        if code and code.co_filename.rpartition("/")[0] != __file__.rpartition("/")[0]:
            return f"{code.co_filename}:{code.co_firstlineno}"
    return None


def no_phase(buildpack: object, phase: str) -> BuildpackFault:
    """The fault of a buildpack whose class has no such method."""
    name = type(buildpack).__name__
    return BuildpackFault(
        f"{name} has no {phase} of its own",
        where=getattr(sys.modules.get(type(buildpack).__module__), "__file__", None),
        remedy=f"add: def {phase}(self, ctx)",
    )

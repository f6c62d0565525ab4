"""A phase of the lifecycle that ended with an error, in words of the person who builds."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.lifecycle.phase_sandbox import PhaseSandboxes

__all__ = ["BuildFailed", "told_of_disk"]

# The lifecycle's exit codes (lifecycle, platform/exit.go).
_MEANING = {
    20: ("no buildpack recognises this app", "see the log for what each of them looked for"),
    21: ("a buildpack failed while looking at the app", "see above what it says"),
    51: ("a buildpack failed", "see above what it says"),
}


def told_of_disk(error: str, sandboxes: PhaseSandboxes) -> PlatformFault | None:
    """What a line of the lifecycle says the disk did; None if it says nothing of one.

    Args:
        error: the line.
        sandboxes: where its folders are.
    """
    known = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE)
    code = next((each for each in known if os.strerror(each).lower() in error.lower()), None)
    if code is None:
        return None
    from cnbkit_engine.state.disk import disk_fault

    place = sandboxes.cache if " /cache/" in error else sandboxes.scratch
    return disk_fault(OSError(code, error), "the build cannot go on", place)


class BuildFailed(PlatformFault):
    """The lifecycle ended with an error; the previous image and the cache are as before.

    Its exit code is the lifecycle's, except for 1, which says nothing.

    Args:
        code: the lifecycle's.
        log: the file with its output.
        what: what is wrong; what the code means if empty.
        remedy: with `what`, what to do about it.
        detail: more on it.
        told: whether what a buildpack says of the fault is shown already, just before.
    """

    def __init__(
        self,
        code: int,
        log: Path,
        *,
        what: str = "",
        remedy: str = "",
        detail: str = "",
        told: bool = False,
    ) -> None:
        if not what:
            what, remedy = _MEANING.get(code, ("the build failed", "see above what went wrong"))
        super().__init__(what, where=f"log: {log}", remedy=remedy, detail=detail or None)
        self.log = log
        self.told = told
        self.exit_code = code if code > 1 else PlatformFault.exit_code

    def __str__(self) -> str:
        """The whole fault; no more than where the log is if the fault itself stands above."""
        # A second error would be the one that people read, and it says nothing.
        return f"Nothing was built. The log: {self.log}" if self.told else super().__str__()

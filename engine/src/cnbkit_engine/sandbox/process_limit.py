"""How many processes and threads the code in a sandbox may have at once.

The kernel counts them by user, and since Linux 5.14 by user namespace: those of one sandbox, which
has one of its own. Before that it counts all of the user's, so nothing is limited there: what else
the user runs would stop a build. A limit below the one that the sandbox has anyway is not raised.
"""

from __future__ import annotations

import os
import resource
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit.errors import UserFault
from cnbkit_engine.sandbox.host import find_program

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnbkit_engine.sandbox.owner import HostUser

__all__ = ["VARIABLE", "limit_processes", "process_limit"]

VARIABLE = "CNBKIT_PROCESSES"
"""Says how many."""

_LEAST = 64  # the lifecycle, written in Go, and a shell's pipeline
_USUAL, _EACH = 4096, 256  # whatever the machine; for each processor: libraries start one on each
_COUNTED_APART = (5, 14)


def process_limit(environment: Mapping[str, str] = os.environ) -> int:
    """How many, as the variable says, else in proportion to the machine.

    Args:
        environment: has the variable, or not.

    Raises:
        UserFault: it is not a number, or too small a one for any build.
    """
    text = environment.get(VARIABLE, "")
    if not text:
        return max(_USUAL, _EACH * (os.cpu_count() or 1))
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
    if number < _LEAST:
        raise UserFault(
            f"{text[:20]!r} is not a number of processes that a build can do with",
            where=VARIABLE,
            remedy=f"set it to {_LEAST} or more, or leave it out"
            f" ({max(_USUAL, _EACH * (os.cpu_count() or 1))} on this machine)",
        )
    return number


def limit_processes(
    first: int, user: HostUser | None, number: int, release: str = os.uname().release
) -> bool:
    """Limit a sandbox, before it runs others' code.

    Args:
        first: the first process of its process id namespace.
        user: who the sandbox runs as on the host; None for ourselves.
        number: how many.
        release: of the kernel.

    Returns:
        whether it is limited.
    """
    if not _counts_apart(release):
        return False
    # In this order: what the first one starts meanwhile gets its limit from it.
    _limit(first, user, number)
    with suppress(OSError):  # it has ended
        children = Path(f"/proc/{first}/task/{first}/children").read_text(encoding="ascii")
        for child in children.split():
            _limit(int(child), user, number)
    return True


def _limit(pid: int, user: HostUser | None, number: int) -> None:
    with suppress(ProcessLookupError):
        try:
            _, hard = resource.prlimit(pid, resource.RLIMIT_NPROC)
            most = number if hard == resource.RLIM_INFINITY else min(number, hard)
            resource.prlimit(pid, resource.RLIMIT_NPROC, (most, most))
        except PermissionError:
            # Root without CAP_SYS_RESOURCE, in a container: whoever the process is may.
            subprocess.run(
                [find_program("prlimit"), f"--pid={pid}", f"--nproc={number}:{number}"],
                capture_output=True,
                check=False,
                user=user.uid if user else None,
                group=user.gid if user else None,
                extra_groups=() if user else None,
                cwd="/",
            )


def _counts_apart(release: str) -> bool:
    """Whether the kernel counts a user's processes in each user namespace by themselves."""
    parts = release.split("-")[0].split(".")
    numbers = [int(part) for part in parts[:2] if part.isdecimal()]
    return tuple(numbers) >= _COUNTED_APART

"""Wait for the end of all processes in a process id namespace."""

from __future__ import annotations

import errno
import os
import select

from cnbkit.errors import PlatformFault
from cnbkit_engine.state.disk import disk_fault

__all__ = ["ProcessEnd"]

_PATIENCE = 60.0  # seconds; a process writing to a slow disk cannot be ended at once


class ProcessEnd:
    """Of the first process in a process id namespace, and with it of all others there.

    The kernel kills and reaps the rest before it reports the first one as ended
    (pid_namespaces(7)). Make it while the process lives: its descriptor stands for that process,
    even when another gets the same number later.

    Args:
        pid: the process as this one sees it; None if it has ended already.
    """

    def __init__(self, pid: int | None) -> None:
        self._handle: int | None = None
        if pid is not None:
            try:
                self._handle = os.pidfd_open(pid)
            except ProcessLookupError:
                return
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    raise disk_fault(error, "cannot watch the processes of a build", "") from None
                raise PlatformFault(
                    "cannot watch the processes of a build",
                    where="pidfd_open",
                    remedy="use Linux 5.3 or newer, and a container whose seccomp filter knows it",
                    detail=str(error),
                ) from None

    def wait(self) -> None:
        """Wait until it has ended; nothing to wait for the second time.

        Raises:
            PlatformFault: it does not end.
        """
        if self._handle is None:
            return
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        ended = poll.poll(_PATIENCE * 1000)
        os.close(self._handle)
        self._handle = None
        if not ended:
            raise PlatformFault(
                f"something the build started is still alive after {_PATIENCE:.0f} seconds",
                where="the build's sandbox",
                remedy="see what `ps -e -o pid,stat,wchan,args` says of it; a process in state D"
                " waits for a disk or a network file system",
            )

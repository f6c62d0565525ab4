"""One of the lifecycle's programs, from its start to the end of all that it started."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from cnbkit_engine.sandbox.process_end import ProcessEnd

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from cnbkit_engine.sandbox.sandbox import Sandbox

__all__ = ["STDIN", "Process"]

STDIN = "/dev/stdin"
"""For an option that names the first file a program reads: it waits there until `finish`."""


class Process:
    """A program of the lifecycle in its sandbox; for use in a `with` block.

    It can be started before its turn, which hides the time that takes: told to read its first
    document from `STDIN`, it does nothing before it has got that, and runs nobody's code.

    Args:
        sandbox: where it runs.
        program: its name: `detector`.
        arguments: its options.

    Raises:
        PlatformFault: the sandbox cannot be made.
    """

    def __init__(self, sandbox: Sandbox, program: str, *arguments: str) -> None:
        waiting, self._give = os.pipe2(os.O_CLOEXEC)
        try:
            # To open /dev/stdin is to open the pipe anew, which is its maker's alone otherwise;
            # root's sandboxes are another user.
            os.fchmod(waiting, 0o444)
            self._running = sandbox.popen(
                [f"/cnb/lifecycle/{program}", "-no-color", *arguments],
                stdin=waiting,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        except BaseException:
            os.close(self._give)
            raise
        finally:
            os.close(waiting)

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._running.__exit__(kind, error, trace)
        finally:
            self._say(b"")  # not before: one that still waits would begin

    def finish(self, tell: Callable[[str], None], document: bytes = b"") -> int:
        """Wait for its end; returns its exit code.

        When this returns, nothing is alive of what it has started.

        Args:
            tell: gets its lines.
            document: what it waits for, if it does.

        Raises:
            PlatformFault: the sandbox could not be made, or something does not end.
        """
        process = self._running.process
        assert process.stdout is not None
        end = ProcessEnd(self._running.first_pid())
        self._running.limit()
        self._say(document)
        for line in process.stdout:
            tell(line.decode(errors="replace").rstrip("\n"))
        code = self._running.wait()
        # bubblewrap ends with the program, a moment before the kernel has ended what else that
        # had started.
        end.wait()
        return code

    def _say(self, document: bytes) -> None:
        """Write to its stdin and close that; nothing the second time."""
        if self._give < 0:
            return
        try:
            with suppress(BrokenPipeError):  # it has ended already, and says why
                while document:
                    document = document[os.write(self._give, document) :]
        finally:
            os.close(self._give)
            self._give = -1

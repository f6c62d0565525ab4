"""One of the lifecycle's programs, from its start to the end of all that it started."""

from __future__ import annotations

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
        self._running = sandbox.popen(
            [f"/cnb/lifecycle/{program}", "-no-color", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._running.__exit__(kind, error, trace)

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
        assert process.stdin is not None
        assert process.stdout is not None
        end = ProcessEnd(self._running.first_pid())
        with suppress(BrokenPipeError):  # it has ended already, and says why
            process.stdin.write(document)
            process.stdin.close()
        for line in process.stdout:
            tell(line.decode(errors="replace").rstrip("\n"))
        code = self._running.wait()
        # bubblewrap ends with the program, a moment before the kernel has ended what else that
        # had started.
        end.wait()
        return code

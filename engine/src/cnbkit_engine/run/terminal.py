"""A terminal of its own for a process in a sandbox, joined to the one that we are started in."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import threading
import tty
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cnbkit_engine.sandbox.owner import sandbox_user

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from cnbkit_engine.sandbox.sandbox import Sandbox

__all__ = ["Terminal"]

_PIECE = 65536
# What makes the sandbox does not heed keys like Ctrl-C (`View.terminal`), and neither would what it
# starts. Images whose `env` cannot undo that (busybox) do without them.
_HEEDING = "--default-signal=INT,QUIT,TSTP,TTIN,TTOU"
_CONTROLLED = (
    *("/bin/sh", "-c"),
    f'env {_HEEDING} true 2>/dev/null && exec env {_HEEDING} "$@"; exec "$@"',
    "sh",
)


class Terminal:
    """To be used in a `with` block, while which keys reach the process and not us.

    What is typed and printed is carried over; so are changes of the window's size. Ours may also
    be no terminal: then what is read from it is typed.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._own, self._process = pty.openpty()

    def __enter__(self) -> Terminal:
        with ExitStack() as stack:
            stack.callback(os.close, self._own)
            user = sandbox_user()
            if user:
                # Opened by its name inside, to become what the process is controlled by.
                os.fchown(self._process, user.uid, user.gid)
            self._keyboard(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def run(self, sandbox: Sandbox, command: Sequence[str]) -> int:
        """Run a command to its end in a sandbox that has a shell; returns its exit code."""
        woken, wake = os.pipe()
        carrying = threading.Thread(target=self._carry, args=(woken,), daemon=True)
        ends = self._process
        command = [*_CONTROLLED, *command]
        sandbox = replace(sandbox, terminal=True)
        with sandbox.popen(command, stdin=ends, stdout=ends, stderr=ends) as process:
            os.close(ends)  # its last user's end is the end of what we read
            carrying.start()
            code = process.wait()
        os.close(wake)
        carrying.join()
        os.close(woken)
        return code

    def _keyboard(self, stack: ExitStack) -> None:
        """Have our own terminal pass on every key, if we have one."""
        source = sys.stdin.fileno()
        if not os.isatty(source):
            return
        before = termios.tcgetattr(source)
        stack.callback(termios.tcsetattr, source, termios.TCSADRAIN, before)
        tty.setraw(source, termios.TCSADRAIN)  # what is typed ahead is kept
        self._resize()
        with suppress(ValueError):  # only the main thread is told
            former = signal.signal(signal.SIGWINCH, self._resize)
            stack.callback(signal.signal, signal.SIGWINCH, former)

    def _resize(self, *_: Any) -> None:
        with suppress(OSError):
            size = fcntl.ioctl(
                sys.stdin.fileno(), termios.TIOCGWINSZ, struct.pack("HHHH", 0, 0, 0, 0)
            )
            fcntl.ioctl(self._own, termios.TIOCSWINSZ, size)

    def _carry(self, woken: int) -> None:
        """Until nobody has the other end open."""
        source, target = sys.stdin.fileno(), sys.stdout.fileno()
        sources = [self._own, source, woken]
        while True:
            ready, _, _ = select.select(sources, [], [])
            if self._own in ready:
                try:
                    data = os.read(self._own, _PIECE)
                except OSError:
                    return  # closed on all other sides
                if not data:
                    return
                _write(target, data)
            elif woken in ready:
                return  # it has ended, and all that it printed is read
            elif source in ready:
                data = os.read(source, _PIECE)
                # The end of a file is a key on a terminal.
                _write(self._own, data or b"\x04")
                if not data:
                    sources.remove(source)


def _write(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]

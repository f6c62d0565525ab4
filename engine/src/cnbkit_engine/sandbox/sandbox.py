"""Runs a process in a root file system of its own, without a daemon, and never as root.

bubblewrap makes the namespaces (`sandbox_launch`). The file system is either a read-only folder,
or an overlay of unpacked layers with a throw-away top.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from cnbkit.errors import PlatformFault
from cnbkit_engine.sandbox.host import mount_fault, probe
from cnbkit_engine.sandbox.launch import MOUNT_FAILED, Launch
from cnbkit_engine.sandbox.owner import sandbox_user
from cnbkit_engine.sandbox.process_limit import limit_processes
from cnbkit_engine.sandbox.staging import Stage
from cnbkit_engine.sandbox.view import Bind, View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from types import FrameType, TracebackType

__all__ = ["Bind", "Sandbox", "Sandboxed"]

_START = 30.0  # seconds for bubblewrap to begin, on a busy machine
_KILL_AFTER = 10.0  # seconds between asking a process to end and making it


@dataclass(frozen=True)
class Sandbox(View):
    """Runs processes that see what `View` says.

    Args:
        starting: makes a block for the moment in which a process is started.
    """

    starting: Callable[[], AbstractContextManager[None]] = nullcontext

    def popen(
        self,
        argv: Sequence[str],
        *,
        stdin: int | IO[Any] | None = None,
        stdout: int | IO[Any] | None = None,
        stderr: int | IO[Any] | None = None,
    ) -> Sandboxed:
        """Start a process; to be used in a `with` block, which ends it and cleans up.

        The process also ends when the calling *thread* does.

        Raises:
            PlatformFault: bubblewrap is missing, or the scratch folder cannot be written.
        """
        return Sandboxed(self, argv, stdin, stdout, stderr)

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: int | IO[Any] | None = None,
        stdout: int | IO[Any] | None = None,
        stderr: int | IO[Any] | None = None,
    ) -> int:
        """Run a process to its end; SIGINT and SIGTERM that we get are passed on to it.

        Returns:
            its exit code; 128 plus the signal's number if a signal ended it.

        Raises:
            PlatformFault: the sandbox cannot be made on this host.
        """
        with (
            _forwarding() as forward_to,
            self.popen(argv, stdin=stdin, stdout=stdout, stderr=stderr) as process,
        ):
            forward_to(process)
            return process.wait()


class Sandboxed:
    """A process in its sandbox. See `Sandbox.popen`.

    Attributes:
        process: bubblewrap itself: its pipes are the sandboxed process's.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        argv: Sequence[str],
        stdin: int | IO[Any] | None,
        stdout: int | IO[Any] | None,
        stderr: int | IO[Any] | None,
    ) -> None:
        self._stack = ExitStack()
        self._reports = b""
        with ExitStack() as stack:
            self._status, status = os.pipe2(os.O_CLOEXEC)
            stack.callback(os.close, self._status)
            with ExitStack() as inherited:
                inherited.callback(os.close, status)
                user = sandbox_user()
                launch = Launch(sandbox, user, status, stack, inherited)
                command = launch.command(argv)
                options: dict[str, Any] = {
                    "stdin": stdin,
                    "stdout": stdout,
                    "stderr": stderr,
                    # Not the sandboxed process's: an image's LD_PRELOAD is not for host programs.
                    "env": {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
                    "pass_fds": launch.descriptors,
                    # Ctrl-C in a terminal would otherwise kill bubblewrap, and with it the
                    # process, before that has had its chance to end in order.
                    "start_new_session": True,
                    # What is made in there gets the same modes whoever runs it.
                    "umask": 0o022,
                }
                with sandbox.starting():
                    if user:
                        stage = stack.enter_context(Stage(user, launch.staged, launch.shifted))
                        self.process = stage.popen(command, launch.groups, options)
                    else:
                        self.process = subprocess.Popen(command, **options)
            self._user = user
            self._processes = sandbox.processes
            if user:
                # For programs that open /dev/stdout: a pipe belongs to whoever made it.
                for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
                    if pipe:
                        os.fchown(pipe.fileno(), user.uid, user.gid)
            self._stack = stack.pop_all()

    def __enter__(self) -> Sandboxed:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._stack:
            self.stop()
            for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
                if pipe:
                    with suppress(OSError):
                        pipe.close()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end.

        Args:
            timeout: seconds; None waits for ever.

        Returns:
            the exit code; 128 plus the signal's number if a signal ended the process.

        Raises:
            PlatformFault: the sandbox could not be made on this host.
            subprocess.TimeoutExpired: it is still running.
        """
        code = self.process.wait(timeout)
        if code == MOUNT_FAILED and b"mount" in self._report():
            raise mount_fault(self._report().decode(errors="replace"))
        if code == 1:
            # bubblewrap's own failures and the process's 1 look alike. A host that allows
            # sandboxes at all is ruled out here; bubblewrap's message is on stderr.
            probe(self._user)
        return 128 - code if code < 0 else code

    def send_signal(self, number: int) -> None:
        """Send a signal to the process itself, not to bubblewrap around it."""
        if self.process.poll() is None:
            inner = self._inner_pid()
            with suppress(ProcessLookupError):
                os.kill(inner or self.process.pid, number)

    @property
    def pid(self) -> int | None:
        """The process's id on the host, for those who enter its namespaces; None once it ended."""
        return self._inner_pid()

    def first_pid(self) -> int | None:
        """The first process of the sandbox's process id namespace; None if none was made.

        When it has ended, all that ran in the sandbox has: see `process_end`.

        Raises:
            PlatformFault: bubblewrap says nothing.
        """
        until = time.monotonic() + _START
        ended = False
        while time.monotonic() < until:
            for line in self._report().splitlines():
                with suppress(ValueError, KeyError, TypeError):
                    return int(json.loads(line)["child-pid"])
            if ended:
                return None
            select.select([self._status], [], [], 0.05)
            ended = self.process.poll() is not None
        raise PlatformFault(
            f"a sandbox has not started within {_START:.0f} seconds",
            where="bwrap",
            remedy="see whether the machine is overloaded, and build again",
        )

    def limit(self) -> None:
        """Limit the number of its processes as the view says, before it runs others' code.

        Where this kernel cannot (`process_limit`), nothing is limited.
        """
        if self._processes and (first := self.first_pid()) is not None:
            limit_processes(first, self._user, self._processes)

    def stop(self) -> None:
        """End the process and all it started: SIGTERM, and SIGKILL 10 seconds later."""
        if self.process.poll() is None:
            self.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(_KILL_AFTER)
                return
            # --die-with-parent takes the namespace's first process along, and that one all others.
            self.process.kill()
            self.process.wait()

    def _report(self) -> bytes:
        """What mount or bubblewrap has written about the sandbox so far."""
        while select.select([self._status], [], [], 0)[0]:
            data = os.read(self._status, 65536)
            if not data:
                break
            self._reports += data
        return self._reports

    def _inner_pid(self) -> int | None:
        """The process below bubblewrap's own first process; waits while it is being made."""
        until = time.monotonic() + 2.0
        while time.monotonic() < until and self.process.poll() is None:
            for line in self._report().splitlines():
                with suppress(ValueError, KeyError, TypeError, OSError, IndexError):
                    first = int(json.loads(line)["child-pid"])
                    children = Path(f"/proc/{first}/task/{first}/children").read_text()
                    return int(children.split()[0])
            time.sleep(0.005)
        return None


@contextmanager
def _forwarding() -> Iterator[Callable[[Sandboxed], None]]:
    """While in the block, SIGINT and SIGTERM go to a sandboxed process: the one that is named.

    One that comes before that waits for it. A second one of the same kind means it: the process is
    killed.
    """
    seen: set[int] = set()
    waiting: set[int] = set()
    named: list[Sandboxed] = []

    def forward(number: int, _: FrameType | None) -> None:
        if not named:
            waiting.add(number)
        elif number in seen:
            named[0].process.kill()
        else:
            named[0].send_signal(number)
        seen.add(number)

    def forward_to(process: Sandboxed) -> None:
        named.append(process)
        while waiting:
            process.send_signal(waiting.pop())

    before: dict[int, Any] = {}
    with suppress(ValueError):  # only the main thread may; others are not sent signals
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, forward)
    try:
        yield forward_to
    finally:
        for changed, handler in before.items():
            signal.signal(changed, handler)

"""Running other programs from a buildpack."""

from __future__ import annotations

import os
import sys

from cnbkit.errors import BuildpackFault, CnbkitError
from cnbkit.log import EVERY
from cnbkit.running import Silence, end, end_when, feed, kill, read_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping
    from os import PathLike

    from cnbkit.redact import Secrets

__all__ = ["CommandFailed", "CommandResult", "Runner"]

# What an error shows of long output: where it begins, which often says why, and how it ends.
_HEAD, _TAIL = 15, 40


class CommandResult:
    """What a program came to.

    Attributes:
        argv: what was run.
        returncode: its exit status; -9 if killed by signal 9.
        stdout: what it printed there; the answer, for programs that have one.
        stderr: what it printed there: warnings, progress.
        output: both together, about in the order in which they came.
    """

    __slots__ = ("argv", "output", "returncode", "stderr", "stdout")

    def __init__(
        self, argv: list[str], returncode: int, stdout: str, stderr: str, output: str
    ) -> None:
        self.argv = argv
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr
        self.output = output

    def __repr__(self) -> str:
        return f"CommandResult({self.argv!r}, returncode={self.returncode})"

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            if hasattr(str, name):
                raise AttributeError(
                    f"what ctx.run returns is not text and has no {name}(); write .stdout.{name}(…)"
                )
            raise AttributeError(f"what ctx.run returns has no {name}")


class CommandFailed(CnbkitError):
    """A program ended with an error, or could not be started.

    Attributes:
        argv: what was run.
        code: its exit status; 127 if it could not be started, -9 if killed by signal 9.
        output: all it printed, stdout and stderr together: a cause may stand in any line.
        shown: the same without its middle, where that is long; fit for a fault's `detail`.
        timeout: the seconds it had, if these were over; else None.

    `output` and `shown` are as they came; `str(error)` shows no secret.
    """

    def __init__(
        self, argv: list[str], code: int, output: str, timeout: float | None = None
    ) -> None:
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit status {code}"
        remedy = "see what it printed"
        if timeout is not None:
            how = f"took longer than {timeout:g} s"
            remedy = "see how far it came; a slow network or disk may be to blame"
        shown = _without_middle(output)
        super().__init__(
            f"{argv[0]} {how}", where=" ".join(argv), remedy=remedy, detail=shown or None
        )
        self.shown = shown
        self.argv = argv
        self.code = code
        self.output = output
        self.timeout = timeout


class Runner:
    """Runs programs with the build environment and the layers opened so far.

    Args:
        env: gives the environment at the time of each call.
        cwd: where programs run: the app's directory.
        show: gets each line a program prints.
        secrets: what an error of a program must not show.
        still: is told, time and again, of a program of which nothing is shown: seconds, its name.
    """

    every = EVERY

    def __init__(
        self,
        env: Callable[[], Mapping[str, str]],
        cwd: str,
        show: Callable[[str], None],
        secrets: Secrets | None = None,
        still: Callable[[float, str], None] = lambda _seconds, _name: None,
    ) -> None:
        self._still = still
        self._env = env
        self._cwd = cwd
        self._show = show
        self._secrets = secrets

    def __call__(
        self,
        *argv: str | PathLike[str],
        env: Mapping[str, str] | None = None,
        cwd: str | PathLike[str] | None = None,
        input: str | bytes | None = None,  # noqa: A002
        quiet: bool = False,
        check: bool = True,
        timeout: float | None = None,
        until: threading.Event | None = None,
    ) -> CommandResult:
        """Run a program, showing what it prints line by line.

        A process that it leaves behind, and that holds its output open, ends with it.

        Args:
            argv: program and arguments, each by itself; found on the build environment's PATH.
            env: variables on top of the build environment.
            cwd: where to run it; the app's directory if not given.
            input: what it reads from its standard input; nothing if not given.
            quiet: show nothing; the output still comes back, and in an error.
            check: take an exit status other than 0 for an error.
            timeout: seconds after which it is killed, with all it started.
            until: ends it likewise when it is set, by another thread.

        Returns:
            Its exit status and what it printed.

        Raises:
            CommandFailed: non-zero exit status (unless `check=False`), the time is over, or
                the program does not exist.
            BuildpackFault: an argument is not text.
        """
        command = [_argument(each) for each in argv]
        if not command:
            raise BuildpackFault("ctx.run() is given no program", remedy='ctx.run("program", "-x")')
        try:
            done, over = self._run(
                command,
                {**self._env(), **(env or {})},
                cwd or self._cwd,
                input,
                quiet,
                timeout,
                until,
            )
            if over:
                raise CommandFailed(command, done.returncode, done.output.rstrip(), timeout)
            if check and done.returncode:
                raise CommandFailed(command, done.returncode, done.output.rstrip())
        except CommandFailed as failed:
            failed.secrets = self._secrets
            raise
        return done

    def _run(
        self,
        command: list[str],
        environment: Mapping[str, str],
        cwd: str | PathLike[str],
        input: str | bytes | None,  # noqa: A002
        quiet: bool,
        timeout: float | None,
        until: threading.Event | None,
    ) -> tuple[CommandResult, bool]:
        import subprocess
        import threading

        sys.stdout.flush()
        lines: list[tuple[int, str]] = []
        over, done = threading.Event(), threading.Event()

        def take(kind: int, line: str) -> None:
            lines.append((kind, line))
            if not quiet:
                self._show(line.rstrip("\n"))
                silence.end()

        silence = Silence(os.path.basename(command[0]), self.every, self._still)

        try:
            with subprocess.Popen(
                command,
                env=environment,
                cwd=cwd,
                stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=0,
            ) as process:
                assert process.stdout is not None
                assert process.stderr is not None
                beside = []
                if process.stdin is not None:
                    given = (process.stdin, input)
                    beside.append(threading.Thread(target=feed, args=given, daemon=True))
                if until is not None:
                    ends = (process.pid, until, done)
                    threading.Thread(target=end_when, args=ends, daemon=True).start()
                timer = None
                if timeout is not None:
                    timer = threading.Timer(timeout, end, (process.pid, over))
                    timer.daemon = True
                    timer.start()
                try:
                    for thread in beside:
                        thread.start()
                    streams = {process.stdout: 1, process.stderr: 2}
                    if read_lines(streams, take, silence, process.pid):
                        kill(process.pid)  # as yet nobody else has its id
                    for thread in beside:
                        thread.join(None if process.poll() is None else 1)
                    process.wait()
                except BaseException:
                    kill(process.pid)
                    raise
                finally:
                    done.set()
                    if timer is not None:
                        timer.cancel()
        except OSError as error:
            missing = error.filename or command[0]
            failed = CommandFailed(command, 127, f"{missing}: {error.strerror}")
            if len(command) == 1 and " " in command[0]:
                failed.remedy = "give program and arguments each by itself: ctx.run('a', 'b')"
            raise failed from None
        stdout, stderr = ("".join(line for of, line in lines if of == kind) for kind in (1, 2))
        output = "".join(line for _, line in lines)
        return CommandResult(command, process.returncode, stdout, stderr, output), over.is_set()


def _argument(value: object) -> str:
    if isinstance(value, str | int | float) or hasattr(value, "__fspath__"):
        return str(value)
    raise BuildpackFault(
        f"ctx.run is given {value!r}, no text and no path",
        remedy='give each argument by itself: ctx.run("a", "b"), or ctx.run(*arguments)',
    )


def _without_middle(text: str) -> str:
    lines = text.splitlines()
    left_out = len(lines) - _HEAD - _TAIL
    if left_out <= 1:
        return text
    return "\n".join([*lines[:_HEAD], f"… {left_out} lines are left out", *lines[-_TAIL:]])

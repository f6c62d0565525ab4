"""Running other programs from a buildpack."""

from __future__ import annotations

import sys

from cnbkit.errors import CnbkitError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping
    from os import PathLike

    from cnbkit.redact import Secrets

__all__ = ["CommandFailed", "Runner"]

# What an error shows of long output: where it begins, which often says why, and how it ends.
_HEAD, _TAIL = 15, 40


class CommandFailed(CnbkitError):
    """A program ended with an error, or could not be started.

    Attributes:
        argv: what was run.
        code: its exit status; 127 if it could not be started, -9 if killed by signal 9.
        output: all it printed, stdout and stderr together: a cause may stand in any line.
        shown: the same without its middle, where that is long; fit for a fault's `detail`.
        limit: the seconds it had, if these were over; else None.

    `output` and `shown` are as they came; `str(error)` shows no secret.
    """

    def __init__(self, argv: list[str], code: int, output: str, limit: float | None = None) -> None:
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit status {code}"
        remedy = "see what it printed"
        if limit is not None:
            how = f"took longer than {limit:g} s"
            remedy = "see how far it came; a slow network or disk may be to blame"
        shown = _without_middle(output)
        super().__init__(
            f"{argv[0]} {how}", where=" ".join(argv), remedy=remedy, detail=shown or None
        )
        self.shown = shown
        self.argv = argv
        self.code = code
        self.output = output
        self.limit = limit


class Runner:
    """Runs programs with the build environment and the layers opened so far.

    Args:
        env: gives the environment at the time of each call.
        cwd: where programs run: the app's directory.
        show: gets each line a program prints.
        secrets: what an error of a program must not show.
    """

    def __init__(
        self,
        env: Callable[[], Mapping[str, str]],
        cwd: str,
        show: Callable[[str], None],
        secrets: Secrets | None = None,
    ) -> None:
        self._env = env
        self._cwd = cwd
        self._show = show
        self._secrets = secrets

    def __call__(
        self,
        *argv: str | PathLike[str],
        env: Mapping[str, str] | None = None,
        cwd: str | PathLike[str] | None = None,
        quiet: bool = False,
        limit: float | None = None,
    ) -> str:
        """Run a program, showing what it prints line by line.

        Args:
            argv: program and arguments; found on the build environment's PATH.
            env: variables on top of the build environment.
            cwd: where to run it; the app's directory if not given.
            quiet: show nothing; the output still comes back, and in an error.
            limit: seconds after which it is killed, with all it started.

        Returns:
            Everything it printed, stdout and stderr together.

        Raises:
            CommandFailed: non-zero exit status, the time is over, or the program does not
                exist.
        """
        command = [str(each) for each in argv]
        try:
            return self._run(
                command, {**self._env(), **(env or {})}, cwd or self._cwd, quiet, limit
            )
        except CommandFailed as failed:
            failed.secrets = self._secrets
            raise

    def _run(
        self,
        command: list[str],
        environment: Mapping[str, str],
        cwd: str | PathLike[str],
        quiet: bool,
        limit: float | None,
    ) -> str:
        import subprocess
        import threading

        sys.stdout.flush()
        lines: list[str] = []
        over = threading.Event()
        try:
            with subprocess.Popen(
                command,
                env=environment,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                process_group=0,
            ) as process:
                timer = None
                if limit is not None:
                    timer = threading.Timer(limit, _end, (process.pid, over))
                    timer.daemon = True
                    timer.start()
                try:
                    assert process.stdout is not None
                    for line in process.stdout:
                        lines.append(line)
                        if not quiet:
                            self._show(line.rstrip("\n"))
                    process.wait()
                except BaseException:
                    _kill(process.pid)
                    raise
                finally:
                    if timer is not None:
                        timer.cancel()
        except OSError as error:
            missing = error.filename or command[0]
            raise CommandFailed(command, 127, f"{missing}: {error.strerror}") from None
        if over.is_set():
            raise CommandFailed(command, process.returncode, "".join(lines).rstrip(), limit)
        if process.returncode:
            raise CommandFailed(command, process.returncode, "".join(lines).rstrip())
        return "".join(lines)


def _without_middle(text: str) -> str:
    lines = text.splitlines()
    left_out = len(lines) - _HEAD - _TAIL
    if left_out <= 1:
        return text
    return "\n".join([*lines[:_HEAD], f"… {left_out} lines are left out", *lines[-_TAIL:]])


def _end(group: int, over: threading.Event) -> None:
    over.set()
    _kill(group)


def _kill(group: int) -> None:
    """Kill a program and everything it started."""
    import os
    import signal

    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return

"""Running other programs from a buildpack."""

from __future__ import annotations

import sys

from cnbkit.errors import CnbkitError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from os import PathLike

__all__ = ["CommandFailed", "Runner"]

_TAIL = 40


class CommandFailed(CnbkitError):
    """A program ended with an error, or could not be started.

    Attributes:
        argv: what was run.
        code: its exit status; 127 if it could not be started, -9 if killed by signal 9.
        output: its last lines, stdout and stderr together.
    """

    def __init__(self, argv: list[str], code: int, output: str) -> None:
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit status {code}"
        super().__init__(
            f"{argv[0]} {how}",
            where=" ".join(argv),
            remedy="see what it printed",
            detail=output,
        )
        self.argv = argv
        self.code = code
        self.output = output


class Runner:
    """Runs programs with the build environment and the layers opened so far.

    Args:
        env: gives the environment at the time of each call.
        cwd: where programs run: the app's directory.
        show: gets each line a program prints.
    """

    def __init__(
        self, env: Callable[[], Mapping[str, str]], cwd: str, show: Callable[[str], None]
    ) -> None:
        self._env = env
        self._cwd = cwd
        self._show = show

    def __call__(
        self,
        *argv: str | PathLike[str],
        env: Mapping[str, str] | None = None,
        cwd: str | PathLike[str] | None = None,
        quiet: bool = False,
    ) -> str:
        """Run a program, showing what it prints line by line.

        Args:
            argv: program and arguments; found on the build environment's PATH.
            env: variables on top of the build environment.
            cwd: where to run it; the app's directory if not given.
            quiet: show nothing; the output still comes back, and in an error.

        Returns:
            Everything it printed, stdout and stderr together.

        Raises:
            CommandFailed: non-zero exit status, or the program does not exist.
        """
        import subprocess

        command = [str(each) for each in argv]
        environment = {**self._env(), **(env or {})}
        sys.stdout.flush()
        lines: list[str] = []
        try:
            with subprocess.Popen(
                command,
                env=environment,
                cwd=cwd or self._cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
            ) as process:
                assert process.stdout is not None
                for line in process.stdout:
                    lines.append(line)
                    if not quiet:
                        self._show(line.rstrip("\n"))
        except OSError as error:
            missing = error.filename or command[0]
            raise CommandFailed(command, 127, f"{missing}: {error.strerror}") from None
        if process.returncode:
            raise CommandFailed(command, process.returncode, "".join(lines[-_TAIL:]).rstrip())
        return "".join(lines)

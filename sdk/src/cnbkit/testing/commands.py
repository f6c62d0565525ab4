"""Fake commands: real programs on the build's PATH whose answers the test decides.

Each is a few lines of shell that leave what they were called with in a folder and wait. A thread
of the test's process reads it, finds the answer, and lets the program print it and exit. So
a buildpack under test starts real processes, with the environment and the directory it means
to give them.
"""

from __future__ import annotations

import os
import shlex
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeAlias

    Reply: TypeAlias = "str | int | Answer | Callable[[Call], str | int | Answer | None] | None"

__all__ = ["Answer", "Call", "FakeCommands"]

NO_ANSWER = 127

# The shell's own additions to the environment, which the caller never gave.
_OF_THE_SHELL = ("PWD", "OLDPWD", "SHLVL", "_")

_PROGRAM = """#!/bin/sh
here={here}
call=$(PATH=/usr/bin:/bin; mktemp -d "$here/calls/XXXXXXXX") || exit 126
/usr/bin/env -0 >"$call/env"
/bin/pwd -P >"$call/cwd"
for each in "$0" "$@"; do printf '%s\\0' "$each"; done >"$call/argv"
/usr/bin/mkfifo "$call/answer"
echo "${{call##*/}}" >"$here/asked"
read -r code <"$call/answer"
/bin/cat "$call/output"
/bin/cat "$call/errors" >&2
exit "$code"
"""


@dataclass(frozen=True)
class Answer:
    """What a fake command does.

    Args:
        output: what it prints; a newline is added if it has none at its end.
        code: its exit status.
        stderr: what it prints to its standard error, likewise.
    """

    output: str = ""
    code: int = 0
    stderr: str = ""


@dataclass(frozen=True)
class Call:
    """One call of a fake command.

    Args:
        argv: as called; the command by its name, without the folder.
        env: the environment it was given.
        cwd: where it was started.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    cwd: Path
    _commands: FakeCommands = field(repr=False, compare=False)

    def __str__(self) -> str:
        """The command line, quoted as for a shell."""
        return shlex.join(self.argv)

    def add_command(self, path: str | Path) -> None:
        """Make another fake command, like the `bin/python` of a virtual environment.

        It answers by the same table, under the name its path ends with.
        """
        self._commands.install(Path(path))


class FakeCommands:
    """A folder of fake commands.

    Args:
        folder: where to put them; made here.
        replies: the answer to each command line that begins with these words; the longest
            that fits counts. A text is printed, a number is the exit status, an `Answer`
            both, and a function gets the `Call` and gives one of these, or None for success.

    Attributes:
        calls: what was called so far, in order.
    """

    def __init__(self, folder: Path, replies: Mapping[str, Reply]) -> None:
        self.path = folder / "bin"
        self.calls: list[Call] = []
        self._folder = folder
        self._replies = {tuple(shlex.split(line)): reply for line, reply in replies.items()}
        self._error: BaseException | None = None
        self._open: list[int] = []
        (folder / "calls").mkdir(parents=True)
        os.mkfifo(folder / "asked")
        for name in sorted({words[0] for words in self._replies}):
            self.install(self.path / name)

    def install(self, path: Path) -> None:
        """Make a fake command at this path."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_PROGRAM.format(here=shlex.quote(str(self._folder))), encoding="utf-8")
        path.chmod(0o755)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Answer calls within this block.

        Raises:
            BaseException: what a reply function raised, at the end of the block.
        """
        # Open for both, so that opening waits for nobody and reading meets no end.
        asked = os.open(self._folder / "asked", os.O_RDWR)
        thread = threading.Thread(target=self._serve, args=(asked,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            os.write(asked, b"\n")
            thread.join()
            for pipe in (asked, *self._open):
                os.close(pipe)
            self._open = []
            error, self._error = self._error, None
        if error is not None:
            raise error

    def _serve(self, asked: int) -> None:
        with os.fdopen(os.dup(asked), encoding="utf-8") as calls:
            for name in iter(calls.readline, "\n"):
                self._reply(self._folder / "calls" / name.strip())

    def _reply(self, folder: Path) -> None:
        answer = self._answer(self._call(folder))
        (folder / "output").write_text(_lines(answer.output), encoding="utf-8")
        (folder / "errors").write_text(_lines(answer.stderr), encoding="utf-8")
        # Open for both again: the command may have been killed, and then nobody reads.
        pipe = os.open(folder / "answer", os.O_RDWR)
        self._open.append(pipe)
        os.write(pipe, f"{answer.code}\n".encode())

    def _call(self, folder: Path) -> Call:
        program, *arguments = _strings(folder / "argv")
        pairs = (each.partition("=")[::2] for each in _strings(folder / "env"))
        return Call(
            argv=(Path(program).name, *arguments),
            env={name: value for name, value in pairs if name not in _OF_THE_SHELL},
            cwd=Path((folder / "cwd").read_text(encoding="utf-8").rstrip("\n")),
            _commands=self,
        )

    def _answer(self, call: Call) -> Answer:
        self.calls.append(call)
        fitting = [words for words in self._replies if call.argv[: len(words)] == words]
        if not fitting:
            return Answer(f"the test gives no answer to: {call}\n", NO_ANSWER)
        reply = self._replies[max(fitting, key=len)]
        try:
            if callable(reply):
                reply = reply(call)
        except BaseException as error:  # raised again in the test's own thread
            self._error = self._error or error
            return Answer(f"the test's function for this command failed: {error!r}\n", NO_ANSWER)
        if isinstance(reply, str):
            reply = Answer(reply)
        elif isinstance(reply, int):
            reply = Answer(code=reply)
        return reply or Answer()


def _lines(text: str) -> str:
    return f"{text}\n" if text and not text.endswith("\n") else text


def _strings(path: Path) -> list[str]:
    data = path.read_bytes().decode(errors="surrogateescape")
    return data.split("\0")[:-1]

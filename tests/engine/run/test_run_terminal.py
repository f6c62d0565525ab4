"""A terminal in the sandbox, joined to the one that `cnbkit` is started in."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit_engine.base.images import BaseImages
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = [sys.executable, "-c", "from cnbkit_engine.cli import main; main()"]


class Typed:
    """`cnbkit` in a terminal of 100 columns."""

    def __init__(self, *args: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        ends: dict[str, Any] = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
        self.process = subprocess.Popen([*COMMAND, *args], **ends, start_new_session=True)
        self.settings = termios.tcgetattr(theirs)
        self.theirs = theirs

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._ours, text.encode())

    def until(self, text: str) -> str:
        """What it shows until a text is there."""
        shown, end = "", time.monotonic() + 60
        while text not in shown and time.monotonic() < end:
            if select.select([self._ours], [], [], 1)[0]:
                shown += os.read(self._ours, 4096).decode()
        return shown

    def close(self) -> None:
        """End it."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.theirs)
        os.close(self._ours)


@pytest.fixture(scope="module")
def run_image() -> str:
    """The base of all images: it has a shell, and no app."""
    home = Home.default()
    return BaseImages(home, ImageStore(home.images)).ensure_run_image()


@pytest.fixture
def shell(run_image: str) -> Iterator[Typed]:
    """A shell in it."""
    typed = Typed("run", "--tty", "--entrypoint", "bash", run_image, "--", "--norc")
    typed.until("$ ")
    yield typed
    typed.close()


def test_a_shell_is_controlled_by_a_terminal_of_our_size(shell: Typed) -> None:
    shell.type("PS1=; stty -echo; stty size; : </dev/tty && echo contr''olled\r")
    assert "30 100" in shell.until("controlled")
    shell.type("exit 7\r")
    assert shell.process.wait(60) == 7
    assert termios.tcgetattr(shell.theirs) == shell.settings


def test_ctrl_c_ends_what_the_shell_runs_and_not_the_shell(shell: Typed) -> None:
    shell.type("PS1=; stty -echo; echo be''gins; sleep 600\r")
    shell.until("begins")
    time.sleep(1)
    shell.type("\x03")
    shell.type("echo still he''re $?\r")
    assert "still here 130" in shell.until("here 130")


def test_ctrl_c_is_what_the_program_itself_makes_of_it(run_image: str) -> None:
    script = "trap 'echo cau''ght; exit 42' INT; echo be''gins; while :; do sleep 0.1; done"
    typed = Typed("run", "-t", "--entrypoint", "sh", run_image, "--", "-c", script)
    try:
        typed.until("begins")
        typed.type("\x03")
        assert "caught" in typed.until("caught")
        assert typed.process.wait(60) == 42
    finally:
        typed.close()

"""Programs that run beside the measurements and end with them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = ["need", "serving"]

_PATIENCE = 30.0  # seconds a service may take to start, and again to end


def need(program: str, package: str, reason: str) -> None:
    """Install a Debian package unless its program is here; says so first.

    Raises:
        SystemExit: it cannot be installed.
    """
    if os.access(program, os.X_OK):
        return
    print(f"Installing {package}: {reason}", flush=True)
    if os.geteuid():
        raise SystemExit(
            f"bench: to do, as root: apt-get install --no-install-recommends {package}"
        )
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package],
    ):
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"bench: {' '.join(command)} failed:\n{done.stderr.strip()}")


@contextmanager
def serving(argv: Sequence[str], log: Path, ready: Callable[[], bool]) -> Iterator[int]:
    """Keep a program running during the block and yield its process id.

    Args:
        argv: program and arguments.
        log: its output goes there.
        ready: whether it can be used.

    Raises:
        SystemExit: it does not start.
    """
    with log.open("wb") as file:
        # In a session of its own Ctrl-C does not reach it; we end it when nobody uses it any more.
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + _PATIENCE
            while not ready():
                if process.poll() is not None or time.monotonic() > deadline:
                    tail = "\n".join(log.read_text(errors="replace").splitlines()[-10:])
                    raise SystemExit(f"bench: {argv[0]} does not start:\n{tail}")
                time.sleep(0.05)
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

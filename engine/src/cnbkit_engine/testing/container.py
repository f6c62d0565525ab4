"""A process of a built image that a test talks to."""

from __future__ import annotations

import socket
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from cnbkit_engine.testing.engine import Process

__all__ = ["Container", "free_port"]

_PAUSE = 0.02


def free_port() -> int:
    """A TCP port nobody listens on. The embedded engine's processes share the host's network."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Container:
    """A running process, ended when the `with` block is left.

    Args:
        start: starts it, with a file for its output.
        folder: where that file goes.
        errors: the file that it was started with for its stderr, where that is not in the other.
    """

    def __init__(
        self,
        start: Callable[[IO[bytes]], Process],
        folder: Path,
        *,
        errors: Path | None = None,
    ) -> None:
        self._errors = errors
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".log", delete=False) as output:
            self._log = Path(output.name)
            self._process = start(output)

    def __enter__(self) -> Container:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.stop()

    def logs(self) -> str:
        """What it has printed so far, stdout and stderr together unless they are apart."""
        return self._log.read_bytes().decode(errors="replace")

    def errors(self) -> str:
        """What it has printed on stderr so far, where it was started with `apart`.

        Raises:
            LookupError: it was not; both are in `logs`.
        """
        if self._errors is None:
            raise LookupError("start it with apart=True to have stderr apart")
        return self._errors.read_bytes().decode(errors="replace")

    def wait(self) -> int:
        """Wait for its end; its exit status, 128 plus the number of the signal that ended it."""
        return self._process.wait()

    def stop(self) -> str:
        """End it with SIGTERM; all it printed."""
        self._process.stop()
        return self.logs()

    def expect(self, code: int = 0) -> str:
        """Wait for its end with an exit status; all it printed.

        Raises:
            AssertionError: it ended with another.
        """
        found = self.wait()
        if found != code:
            raise AssertionError(f"the process ended with {found} and not {code}:\n{self.logs()}")
        return self.logs()

    def wait_for_log(self, text: str, *, limit: float = 60) -> str:
        """Wait until it has printed a text; all it printed so far.

        Raises:
            AssertionError: it ended without, or took longer than `limit` seconds.
        """
        self._wait(lambda: text in self.logs(), f"printed {text!r}", limit)
        return self.logs()

    def wait_for_port(self, port: int, *, limit: float = 60) -> tuple[str, int]:
        """Wait until it accepts connections on a TCP port; the address to connect to.

        Raises:
            AssertionError: it ended without, or took longer than `limit` seconds.
        """
        address = ("127.0.0.1", port)
        self._wait(lambda: _accepts(address), f"listened on port {port}", limit)
        return address

    def http_get(self, port: int, path: str = "/", *, limit: float = 60) -> str:
        """The text it answers to a GET, once it listens on the port.

        Raises:
            AssertionError: as `wait_for_port`.
            urllib.error.HTTPError: it answers with an error.
        """
        host, port = self.wait_for_port(port, limit=limit)
        address = f"http://{host}:{port}{path}"
        # Straight, whatever proxy this machine uses.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(address, timeout=limit) as response:
            text: str = response.read().decode(errors="replace")
            return text

    def shell(self, command: str, *, code: int = 0) -> str:
        """Run a shell command beside it, in the same file system and environment.

        Raises:
            AssertionError: it ended with another exit status than `code`.
        """
        done = self._process.shell(command)
        if done.returncode != code:
            raise AssertionError(
                f"{command} ended with {done.returncode} and not {code}:\n{done.stdout}"
            )
        return done.stdout

    def _wait(self, reached: Callable[[], bool], what: str, limit: float) -> None:
        until = time.monotonic() + limit
        while not reached():
            ended = self._process.poll() is not None
            if ended and not reached():
                raise AssertionError(f"the process ended and never {what}:\n{self.logs()}")
            if time.monotonic() > until:
                raise AssertionError(f"in {limit:g} s the process never {what}:\n{self.logs()}")
            time.sleep(_PAUSE)


def _accepts(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return False
    return True

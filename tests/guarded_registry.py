"""go-containerregistry's registry behind a guard that asks for credentials and can die."""

from __future__ import annotations

import http.client
import http.server
import threading
from base64 import b64encode
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["GuardedRegistry"]

_HOP = {"connection", "transfer-encoding", "content-length", "host", "authorization", "expect"}
_PIECE = 1 << 16


class GuardedRegistry:
    """Passes requests on to a registry, as long as it likes them.

    Args:
        behind: host and port of the registry, which asks for nothing.

    Attributes:
        host: host and port of the guard.
        login: `user:password` that is right; empty for none.
        read_only: refuse to take anything.
        breaks: what happens in the middle of a blob that is pushed: "" for nothing, "dies" for
            the end of all connections, "hangs" for nothing more being read.
        reached: set when a push has got that far.
        asked: method and path of each request.
    """

    def __init__(self, behind: str) -> None:
        self._behind = behind
        self.login = ""
        self.read_only = False
        self.breaks = ""
        self.reached = threading.Event()
        self.asked: list[str] = []
        self._dead = False
        self._go_on = threading.Event()
        guard = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                with suppress(OSError, _Broken):
                    guard._handle(self)
                    return
                self.close_connection = True
                with suppress(OSError):
                    self.connection.close()

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = handle_any  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Keep the test's output clean."""

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.host = f"127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def mend(self) -> None:
        """Serve as at first."""
        self.login, self.read_only, self.breaks, self._dead = "", False, "", False
        self._go_on.set()
        self._go_on = threading.Event()
        self.reached.clear()

    def close(self) -> None:
        """Stop answering."""
        self.mend()
        self._http.shutdown()
        self._http.server_close()

    def header(self) -> str:
        """The Authorization header of who has the right login."""
        return "Basic " + b64encode(self.login.encode()).decode()

    def _handle(self, to: http.server.BaseHTTPRequestHandler) -> None:
        self.asked.append(f"{to.command} {to.path.partition('?')[0]}")
        if self._dead:
            raise _Broken
        body = b"".join(self._body(to))
        if self.login and to.headers.get("Authorization") != self.header():
            self._answer(to, 401, {"WWW-Authenticate": 'Basic realm="guard"'}, b"who are you?")
            return
        if self.read_only and to.command not in ("GET", "HEAD"):
            self._answer(to, 403, {}, b"you may only read")
            return
        passed = {key: value for key, value in to.headers.items() if key.lower() not in _HOP}
        with closing(http.client.HTTPConnection(self._behind, timeout=60)) as behind:
            behind.request(to.command, to.path, body or None, passed)
            answer = behind.getresponse()
            data = answer.read()
        headers = {key: value for key, value in answer.getheaders() if key.lower() not in _HOP}
        if to.command == "HEAD":
            headers["Content-Length"] = answer.getheader("Content-Length") or "0"
        self._answer(to, answer.status, headers, data)

    def _body(self, to: http.server.BaseHTTPRequestHandler) -> Iterator[bytes]:
        """What a request carries; the middle of a large one is where the guard breaks."""
        got = 0
        for piece in _pieces(to):
            got += len(piece)
            if self.breaks and got > 4 * _PIECE:
                self.reached.set()
                if self.breaks == "hangs":
                    self._go_on.wait(60)
                else:
                    self._dead = True
                raise _Broken
            yield piece

    def _answer(
        self,
        to: http.server.BaseHTTPRequestHandler,
        status: int,
        headers: dict[str, str],
        body: bytes,
    ) -> None:
        to.send_response(status)
        for key, value in headers.items():
            to.send_header(key, value)
        if "Content-Length" not in headers:
            to.send_header("Content-Length", str(len(body)))
        to.end_headers()
        if to.command != "HEAD":
            to.wfile.write(body)


class _Broken(Exception):
    """The connection is to end here."""


def _pieces(to: http.server.BaseHTTPRequestHandler) -> Iterator[bytes]:
    if "chunked" in (to.headers.get("Transfer-Encoding") or ""):
        while size := int(to.rfile.readline().partition(b";")[0], 16):
            yield to.rfile.read(size)
            to.rfile.readline()
        to.rfile.readline()
        return
    left = int(to.headers.get("Content-Length") or 0)
    while left:
        piece = to.rfile.read(min(left, _PIECE))
        if not piece:
            raise _Broken
        left -= len(piece)
        yield piece

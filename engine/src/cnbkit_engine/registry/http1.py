"""One HTTP/1.1 connection, server side: as much as a registry's clients use (RFC 9112).

Python's http.server takes 50 ms to import (it brings the e-mail package along), an eighth of a
whole rebuild; it also leaves chunked request bodies to its user. h11 takes 8 ms, and leaves sockets
and files to its user as well. Bodies are never held in memory.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import BufferedReader

__all__ = ["BadRequest", "Connection", "Request", "Unfinished"]

_LINE = 64 * 1024
_HEADERS = 100
_DRAIN = 1 << 20
_LINGER = 2.0  # seconds

_REASONS = {
    200: "OK",
    201: "Created",
    202: "Accepted",
    204: "No Content",
    206: "Partial Content",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    416: "Range Not Satisfiable",
    500: "Internal Server Error",
    507: "Insufficient Storage",
}


class BadRequest(Exception):
    """The peer does not speak HTTP/1.1; there is no telling where its next request starts."""


class Unfinished(Exception):
    """The peer went away in the middle of a request."""


@dataclass(frozen=True)
class Request:
    """A request's head.

    Args:
        method: upper case.
        target: path and query as sent.
        headers: by lower-case name; of a repeated one, the last.
    """

    method: str
    target: str
    headers: Mapping[str, str]


class Connection:
    """Requests of one client, one after another.

    Args:
        peer: the accepted socket; closed with `close`.
    """

    def __init__(self, peer: socket.socket) -> None:
        # Answers are small and awaited: Nagle's algorithm would hold each back for 40 ms.
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._peer = peer
        self._input: BufferedReader = peer.makefile("rb")
        self._body: Iterator[bytes] = iter(())
        self._left = 0  # bytes of the body still to come; -1: chunked, unknown
        self._expects = False
        self._head_only = False
        self.keep = True

    def next_request(self) -> Request | None:
        """Read the next request's head; None when the client is done.

        Raises:
            BadRequest: it is not HTTP/1.x.
            Unfinished: the connection broke off.
        """
        line = self._line(end_ok=True)
        if line is None:
            return None
        words = line.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise BadRequest(line[:100])
        headers: dict[str, str] = {}
        while field := self._line():
            name, colon, value = field.partition(":")
            if not colon or len(headers) >= _HEADERS:
                raise BadRequest(field[:100])
            headers[name.strip().lower()] = value.strip()
        wish = headers.get("connection", "").lower()
        self.keep = wish == "keep-alive" if words[2] == "HTTP/1.0" else wish != "close"
        self._expects = headers.get("expect", "").lower() == "100-continue"
        self._head_only = words[0] == "HEAD"
        if "chunked" in headers.get("transfer-encoding", "").lower():
            self._left = -1
        else:
            length = headers.get("content-length", "0")
            if not (length.isascii() and length.isdigit() and len(length) < 20):
                raise BadRequest(f"Content-Length: {length[:100]}")
            self._left = int(length)
        self._body = self._pieces()
        return Request(words[0], words[1], headers)

    def body(self, piece: int) -> Iterator[bytes]:
        """The request's body in pieces of at most `piece` bytes.

        Raises:
            BadRequest: broken chunks.
            Unfinished: the connection broke off before its end.
        """
        for data in self._body:
            for start in range(0, len(data), piece):
                yield data[start : start + piece]

    def answer(
        self,
        status: int,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        file: IO[bytes] | None = None,
        offset: int = 0,
        length: int | None = None,
    ) -> None:
        """Send the response to the current request.

        Args:
            status: HTTP status.
            headers: without Content-Length and Connection.
            body: bytes to send, unless `file` is given.
            file: sent by the kernel straight from the disk, `length` bytes from `offset`.
            offset: first byte of `file`.
            length: of what GET would send; left out, that of `body`.
        """
        self._finish_body()
        size = len(body) if length is None else length
        lines = [f"HTTP/1.1 {status} {_REASONS[status]}", f"Content-Length: {size}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if not self.keep:
            lines.append("Connection: close")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
        if self._head_only:
            self._peer.sendall(head)
        elif file is None:
            self._peer.sendall(head + body)  # in one packet
        else:
            self._peer.sendall(head)
            self._peer.sendfile(file, offset, size)

    def close(self) -> None:
        """End the connection.

        Closing while the client still sends makes the kernel drop our last answer, so what is in
        flight is first read for a moment.
        """
        with suppress(OSError):
            self._peer.shutdown(socket.SHUT_WR)
            self._peer.settimeout(_LINGER)
            until = time.monotonic() + _LINGER
            while time.monotonic() < until and self._peer.recv(1 << 16):
                pass
        self._input.close()
        self._peer.close()

    def _line(self, *, end_ok: bool = False) -> str | None:
        line = self._input.readline(_LINE)
        if not line and end_ok:
            return None
        if not line.endswith(b"\n"):
            raise BadRequest("line too long") if len(line) == _LINE else Unfinished
        return line.rstrip(b"\r\n").decode("latin-1")

    def _pieces(self) -> Iterator[bytes]:
        if self._left and self._expects:
            self._peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self._left >= 0:
            yield from self._exactly()
            return
        while True:
            size = (self._line() or "").partition(";")[0].strip()
            try:
                self._left = int(size, 16)
            except ValueError:
                raise BadRequest(f"chunk size {size[:20]!r}") from None
            if self._left < 0:
                raise BadRequest(f"chunk size {size[:20]!r}")
            if self._left == 0:
                while self._line():
                    pass  # trailers
                return
            yield from self._exactly()
            if self._line():
                raise BadRequest("chunk longer than announced")
            self._left = -1

    def _exactly(self) -> Iterator[bytes]:
        while self._left:
            data = self._input.read(min(self._left, 1 << 20))
            if not data:
                raise Unfinished
            self._left -= len(data)
            yield data

    def _finish_body(self) -> None:
        """Skip a body nobody wanted, so that the next request is found behind it."""
        if self._expects and self._left:
            # The client was never told to go on; it decides by our answer whether to send.
            self.keep = False
            return
        skipped = 0
        for data in self._body:
            skipped += len(data)
            if skipped > _DRAIN:
                self.keep = False  # dearer to read than to reconnect
                return

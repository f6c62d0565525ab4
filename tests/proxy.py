"""The proxy that tests and all they start use, whose answers `tests.downloads` keeps.

It speaks TLS as if it were the host that is asked for: with a certificate of its own authority,
which the variables it gives make programs trust.
"""

from __future__ import annotations

import os
import secrets
import ssl
import tempfile
import threading
import traceback
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .authority import Authority

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .downloads import Answer, Downloads

__all__ = ["Proxy"]

_PIECE = 1 << 18
# Neither this machine nor names that are nobody's (RFC 2606, RFC 6761).
_DIRECT = (
    *("127.0.0.1", "::1", "localhost", ".localhost", "127.0.0.0/8"),
    *(".invalid", ".test", ".example", *(f"{dot}example.{end}" for dot in ("", ".") for end in
      ("com", "net", "org"))),
)  # fmt: skip
_TRUST = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "GIT_SSL_CAINFO")
_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


class Proxy:
    """The proxy; it runs in threads of this process until `close`.

    Args:
        downloads: what it answers with.

    Attributes:
        variables: the environment that makes programs use it.
        log: a file with a line for each answer that came from the network: bytes and address.
        fetched: bytes that came from the network, by host.
        kept: bytes that did not have to.
    """

    def __init__(self, downloads: Downloads) -> None:
        self.downloads = downloads
        self.fetched: Counter[str] = Counter()
        self.kept = 0
        # Within a session another may run, whose bundle has both: no two have one name.
        self._authority = Authority(f"cnbkit's tests {secrets.token_hex(4)}")
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        self._own = tempfile.TemporaryDirectory(prefix="proxy-", dir=os.environ.get("TMPDIR"))
        self.log = Path(self._own.name) / "fetched"
        self.log.touch()
        bundle = Path(self._own.name) / "authorities.pem"
        bundle.write_text(_known_authorities() + self._authority.certificate)
        bundle.chmod(0o644)
        Path(self._own.name).chmod(0o755)
        proxy = self

        class Handler(_Handler):
            owner = proxy

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        address = f"http://127.0.0.1:{self._server.server_port}"
        self.variables = {
            **dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), address),
            **dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(_DIRECT)),
            **dict.fromkeys(_TRUST, str(bundle)),
        }

    def close(self) -> None:
        """Stop it."""
        self._server.shutdown()
        self._server.server_close()
        self._own.cleanup()

    def context(self, host: str) -> ssl.SSLContext:
        """TLS with a certificate for a host."""
        with self._lock:
            if host not in self._contexts:
                certificate, key = self._authority.issue(host)
                file = Path(self._own.name) / "server.pem"
                file.write_text(certificate + key)
                made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                made.load_cert_chain(file)
                file.unlink()
                self._contexts[host] = made
            return self._contexts[host]

    def count(self, url: str, answer: Answer) -> None:
        """Take down where an answer came from."""
        with self._lock:
            if answer.fetched is None:
                self.kept += answer.body.stat().st_size
                return
            self.fetched[urlsplit(url).hostname or ""] += answer.fetched
            with self.log.open("a") as log:
                log.write(f"{answer.fetched} {url}\n")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: Proxy
    _origin = ""

    def do_CONNECT(self) -> None:
        """From here on speak TLS as if this were the host."""
        host = self.path.rpartition(":")[0]
        self.send_response(200)
        self.end_headers()
        try:
            secure = self.owner.context(host).wrap_socket(self.connection, server_side=True)
        except OSError as error:
            _close_unfinished(error)
            self.close_connection = True
            return
        self.connection = secure
        self.rfile = secure.makefile("rb")
        self.wfile = secure.makefile("wb")
        self._origin = f"https://{self.path.removesuffix(':443')}"
        self.close_connection = False

    def do_GET(self) -> None:
        url = f"{self._origin}{self.path}" if self._origin else self.path
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            answer = self.owner.downloads.answer(self.command, url.partition("#")[0], headers)
        except OSError as error:
            self._send_text(502, f"cannot fetch {url}: {error}")
            return
        self.owner.count(url, answer)
        with answer.body.open("rb") as file:
            if answer.whole:
                self._send(answer.told, file, answer.body.stat().st_size)
            else:
                self._send_as_it_came(answer.told, file)

    do_HEAD = do_GET  # noqa: N815 - http.server's name

    def _send(self, told: Mapping[str, Any], file: IO[bytes], size: int) -> None:
        status, start, end = told["status"], 0, size
        asked = self.headers.get("Range", "")
        if status == 200 and asked.startswith("bytes=") and "," not in asked:
            first, _, last = asked[6:].partition("-")
            start = int(first) if first else max(0, size - int(last))
            end = min(size, int(last) + 1) if first and last else size
            status = 206 if start < end else 416
        self.send_response(status)
        for name, value in told["headers"].items():
            if name != "content-range":
                self.send_header(name, value)
        if status in (206, 416):
            text = f"{start}-{end - 1}/{size}" if status == 206 else f"*/{size}"
            self.send_header("Content-Range", f"bytes {text}")
        if "accept-ranges" not in told["headers"]:
            self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(end - start if status != 416 else 0))
        self.end_headers()
        if self.command == "HEAD" or status == 416:
            return
        file.seek(start)
        while piece := file.read(min(_PIECE, end - file.tell())):
            self.wfile.write(piece)

    def _send_as_it_came(self, told: Mapping[str, Any], file: IO[bytes]) -> None:
        self.send_response(told["status"])
        for name, value in told["headers"].items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(told["length"]))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(file.read())

    def _send_text(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            if self.connection is not self.request:
                self.connection.close()

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:  # whoever asked is gone
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


def _close_unfinished(error: OSError) -> None:
    """Close the socket that `wrap_socket` made and lost.

    It takes over the connection first. If the peer is gone by then it raises and leaves that socket
    to the garbage collector, whose warning would end the session of tests.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        unfinished = frame.f_locals.get("self")
        if isinstance(unfinished, ssl.SSLSocket):
            unfinished.close()


def _known_authorities() -> str:
    named = (os.environ.get("SSL_CERT_FILE"), *_BUNDLES)
    file = next((Path(each) for each in named if each and Path(each).is_file()), None)
    return file.read_text() + "\n" if file else ""

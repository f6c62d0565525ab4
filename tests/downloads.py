"""What tests fetch from the network, fetched once and kept on this machine.

A proxy stands between the tests and the network. All that they start (uv, pip, Poetry, apt, Go, a
build in its sandbox) uses it by the usual variables, so that addresses stay what they are for
everybody. A file that was fetched is not fetched again; the page of an index is, after a day, or
used as it is where there is no network. The forms of one page, which different programs ask for,
are as old as each other: what is released meanwhile is seen by all of them or by none.

`CNBKIT_TEST_DOWNLOADS` names the folder; empty, there is no proxy.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import ssl
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from .authority import Authority

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Downloads", "default_folder"]

_DAY = 24 * 3600
_PATIENCE = 60
# How far the ages of a page's forms may differ.
_TOGETHER = 600
_PIECE = 1 << 18
# Kept no longer than this without being asked for, nor any file larger than that.
_UNUSED = 30 * _DAY
_LARGEST = 1 << 30
# Files that an index never changes under their name.
_FILES = (".whl", ".metadata", ".zip", ".tar.gz", ".tar.bz2", ".deb", ".conda", ".mod", ".info")
_PASSED_ON = ("accept", "user-agent", "authorization")
_KEPT = (
    *("content-type", "content-encoding", "content-range", "etag", "last-modified", "location"),
    "accept-ranges",
)
# Neither this machine nor names that are nobody's (RFC 2606, RFC 6761).
_DIRECT = (
    *("127.0.0.1", "::1", "localhost", ".localhost", "127.0.0.0/8"),
    *(".invalid", ".test", ".example", *(f"{dot}example.{end}" for dot in ("", ".") for end in
      ("com", "net", "org"))),
)  # fmt: skip
_TRUST = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "GIT_SSL_CAINFO")
_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


def default_folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Where files are kept; None if they are not to be."""
    if "CNBKIT_TEST_DOWNLOADS" in environment:
        named = environment["CNBKIT_TEST_DOWNLOADS"]
        return Path(named).absolute() if named else None
    cache = environment.get("XDG_CACHE_HOME", "")
    base = Path(cache) if cache.startswith("/") else Path.home() / ".cache"
    return base / "cnbkit-tests" / "downloads"


class Answer(NamedTuple):
    """What is at an address.

    Attributes:
        told: its status, headers and length.
        body: a file with what was sent.
        whole: whether that is all there is, of which the part asked for is to be taken.
    """

    told: dict[str, Any]
    body: Path
    whole: bool


class Downloads:
    """The proxy; it runs in threads of this process until `close`.

    Args:
        folder: where files are kept; made.
        context: what it trusts upstream; this machine's authorities if not given.

    Attributes:
        variables: the environment that makes programs use it.
        fetched: bytes that came from the network, by host.
        kept: bytes that did not have to.
    """

    def __init__(self, folder: Path, *, context: ssl.SSLContext | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.fetched: Counter[str] = Counter()
        self.kept = 0
        # Within a session another may run, whose bundle has both: no two have one name.
        self._authority = Authority(f"cnbkit's tests {secrets.token_hex(4)}")
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._lock = threading.Lock()
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler(),  # as the variables are now: another proxy, or none
            urllib.request.HTTPSHandler(context=context or ssl.create_default_context()),
            _NoRedirects(),
        )
        self._forget_unused()
        self._own = tempfile.TemporaryDirectory(prefix="cnbkit-downloads-")
        bundle = Path(self._own.name) / "authorities.pem"
        bundle.write_text(_known_authorities() + self._authority.certificate)
        bundle.chmod(0o644)
        Path(self._own.name).chmod(0o755)
        downloads = self

        class Handler(_Handler):
            owner = downloads

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        proxy = f"http://127.0.0.1:{self._server.server_port}"
        self.variables = {
            **dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), proxy),
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

    def answer(self, method: str, url: str, headers: Mapping[str, str]) -> Answer:
        """What is at an address.

        Raises:
            OSError: it is not kept, and the network or its server does not give it.
        """
        page = not urlsplit(url).path.endswith(_FILES)
        # An index's page has several forms. A login sees what others do not.
        asks = [url, headers.get("authorization", ""), headers.get("accept", "") if page else ""]
        whole = self._place(*asks)
        if (known := _read(whole)) and not page:
            self._count_kept(whole)
            return Answer(known, _body(whole), whole=True)
        # Of a large file no more than is asked for.
        part = headers.get("range", "") if not page else ""
        wanted = "HEAD" if method == "HEAD" and not page else "GET"
        final = whole if wanted == "GET" and not part else self._place(*asks, wanted, part)
        with self._lock:
            lock = self._locks[final.name]
        with lock:
            known = _read(final)
            moment = self._place(*asks[:2]).with_suffix(".moment")
            if not known or (page and _old(known["time"], moment)):
                try:
                    told = self._fetch(wanted, url, headers, final)
                    if page:
                        moment.touch()
                    return Answer(told, _body(final), whole=final == whole)
                except OSError:
                    if not known:
                        raise
            self._count_kept(final)
            return Answer(known, _body(final), whole=final == whole)

    def _place(self, *asks: str) -> Path:
        return self.folder / hashlib.sha256("\n".join(asks).encode()).hexdigest()

    def _fetch(
        self, method: str, url: str, headers: Mapping[str, str], final: Path
    ) -> dict[str, Any]:
        sent = {name: headers[name] for name in (*_PASSED_ON, "range") if name in headers}
        if not urlsplit(url).path.endswith(_FILES):
            sent.pop("range", "")
        request = urllib.request.Request(url, headers=sent, method=method)
        try:
            response = self._opener.open(request, timeout=_PATIENCE)
        except urllib.error.HTTPError as error:
            response = error
        with response, tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as file:
            size = 0
            while piece := response.read(_PIECE):
                file.write(piece)
                size += len(piece)
        with self._lock:
            self.fetched[urlsplit(url).hostname or ""] += size
        length = int(response.headers.get("content-length") or size)
        if length != size and method != "HEAD":
            Path(file.name).unlink()
            raise OSError(f"{url} ended after {size} of {length} bytes")
        kept = {name: response.headers[name] for name in _KEPT if response.headers[name]}
        told = {"url": url, "status": response.status, "headers": kept, "time": time.time()}
        told["length"] = length
        Path(file.name).replace(_body(final))
        # A server's trouble is its own, and does not last.
        if response.status < 500 and response.status != 429 and size <= _LARGEST:
            scratch = Path(f"{file.name}.json")
            scratch.write_text(json.dumps(told))
            scratch.replace(final)
        return told

    def _count_kept(self, final: Path) -> None:
        with self._lock:
            self.kept += _body(final).stat().st_size
        with suppress(OSError):
            os.utime(final)

    def _forget_unused(self) -> None:
        now = time.time()
        for path in self.folder.iterdir():
            with suppress(OSError):  # another session of tests does the same
                if path.suffix != ".body" and now - path.stat().st_mtime > _UNUSED:
                    path.unlink()
                    _body(path).unlink(missing_ok=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: Downloads
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
            answer = self.owner.answer(self.command, url.partition("#")[0], headers)
        except OSError as error:
            self._send_text(502, f"cannot fetch {url}: {error}")
            return
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


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Who asked is told where to go, as without a proxy."""

    def redirect_request(self, *_: object) -> None:
        return None


def _old(fetched: float, moment: Path) -> bool:
    """Whether a page is to be fetched again, a form of which was last fetched at a moment."""
    try:
        last = moment.stat().st_mtime
    except FileNotFoundError:
        return True
    return time.time() - fetched >= _DAY or last - fetched > _TOGETHER


def _close_unfinished(error: OSError) -> None:
    """Close the socket that `wrap_socket` made and lost.

    It takes over the connection first. If the peer is gone by then it raises and leaves that socket
    to the garbage collector, whose warning would end the session of tests.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        unfinished = frame.f_locals.get("self")
        if isinstance(unfinished, ssl.SSLSocket):
            unfinished.close()


def _body(final: Path) -> Path:
    return final.with_suffix(".body")


def _read(final: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(final.read_text())
        return found if _body(final).exists() else None
    except (OSError, ValueError):
        return None


def _known_authorities() -> str:
    named = (os.environ.get("SSL_CERT_FILE"), *_BUNDLES)
    file = next((Path(each) for each in named if each and Path(each).is_file()), None)
    return file.read_text() + "\n" if file else ""

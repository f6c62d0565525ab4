"""What tests fetch is fetched once, and unchanged."""

from __future__ import annotations

import gc
import json
import os
import socket
import ssl
import struct
import threading
import time
import urllib.error
import urllib.request
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from .authority import Authority
from .downloads import Downloads, default_folder
from .proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.client import HTTPResponse
    from pathlib import Path

PAGE, FILE = "/simple/six/", "/files/six-1.17.0-py3-none-any.whl"


class Index:
    """A server that counts.

    Attributes:
        asked: method and path of each request.
        sent: bytes of bodies.
        answers: status and body by path.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.asked: list[str] = []
        self.sent = 0
        self.answers = {PAGE: (200, b"a page"), FILE: (200, bytes(range(256)) * 4096)}
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.asked.append(self.path)
                status, body = index.answers.get(self.path, (404, b"none"))
                asked = self.headers.get("Range", "")
                size = len(body)
                if asked and status == 200:
                    first, _, last = asked.removeprefix("bytes=").partition("-")
                    start = int(first) if first else size - int(last)
                    body = body[start : int(last) + 1 if first and last else None]
                    status = 206
                    text = f"bytes {start}-{start + len(body) - 1}/{size}"
                self.send_response(status)
                if status == 206:
                    self.send_header("Content-Range", text)
                self.send_header("Content-Type", self.headers.get("Accept", "text/plain"))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                index.sent += len(body) * (self.command == "GET")
                if self.command == "GET":
                    self.wfile.write(body)

            do_HEAD = do_GET  # noqa: N815 - http.server's name

            def log_message(self, *_: object) -> None:
                """Keep the test's output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' * bool(context)}://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def authority() -> Authority:
    """Signs the index's certificate."""
    return Authority()


@pytest.fixture(params=["http", "https"])
def index(request: pytest.FixtureRequest, authority: Authority, tmp_path: Path) -> Iterator[Index]:
    context = None
    if request.param == "https":
        (tmp_path / "server.pem").write_text("".join(authority.issue()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "server.pem")
    with closing(Index(context)) as made:
        yield made


@contextmanager
def session(folder: Path, authority: Authority) -> Iterator[Proxy]:
    """A session of tests."""
    context = ssl.create_default_context(cadata=authority.certificate)
    with closing(Proxy(Downloads(folder, context=context))) as made:
        yield made


def get(downloads: Proxy, url: str, method: str = "GET", **headers: str) -> HTTPResponse:
    variables = downloads.variables
    proxies = {"http": variables["http_proxy"], "https": variables["https_proxy"]}
    trust = ssl.create_default_context(cafile=variables["SSL_CERT_FILE"])
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler(proxies), urllib.request.HTTPSHandler(context=trust)
    )
    request = urllib.request.Request(url, headers=headers, method=method)
    response: HTTPResponse = opener.open(request, timeout=30)
    return response


@pytest.fixture(autouse=True)
def _no_exceptions(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY", "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_a_file_is_fetched_once_whatever_session_asks(
    index: Index, authority: Authority, tmp_path: Path
) -> None:
    body = index.answers[FILE][1]
    with session(tmp_path / "kept", authority) as first:
        for _ in range(2):
            with get(first, index.url + FILE) as response:
                assert response.read() == body
        assert (first.fetched.total(), first.kept) == (len(body), len(body))
    with session(tmp_path / "kept", authority) as second:
        with get(second, index.url + FILE, Accept="application/octet-stream") as response:
            assert response.read() == body
        assert second.fetched.total() == 0
    assert index.asked == [FILE]


def test_a_page_is_fetched_anew_after_a_day_and_used_without_a_network(
    index: Index, authority: Authority, tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    with session(folder, authority) as downloads:
        assert get(downloads, index.url + PAGE).read() == b"a page"
        index.answers[PAGE] = (200, b"a newer page")
        assert get(downloads, index.url + PAGE).read() == b"a page"
        known = [path for path in folder.iterdir() if not path.suffix]
        assert len(known) == 1
        told = json.loads(known[0].read_text())
        yesterday = json.dumps({**told, "time": time.time() - 25 * 3600})
        known[0].write_text(yesterday)
        assert get(downloads, index.url + PAGE).read() == b"a newer page"
        known[0].write_text(yesterday)
        index.close()
        assert get(downloads, index.url + PAGE).read() == b"a newer page"
        with pytest.raises(urllib.error.HTTPError, match="502"):
            get(downloads, index.url + FILE)


def test_each_form_of_a_page_is_a_page_of_its_own(
    index: Index, authority: Authority, tmp_path: Path
) -> None:
    with session(tmp_path / "kept", authority) as downloads:
        for _ in range(2):
            for form in ("text/html", "application/json"):
                found = get(downloads, index.url + PAGE, Accept=form).headers["Content-Type"]
                assert found == form
    assert index.asked == [PAGE, PAGE]


def test_forms_of_a_page_tell_of_the_same_releases(
    index: Index, authority: Authority, tmp_path: Path
) -> None:
    def page(form: str) -> bytes:
        return bytes(get(downloads, index.url + PAGE, Accept=form).read())

    folder = tmp_path / "kept"
    with session(folder, authority) as downloads:
        page("text/html")
        (known,) = (path for path in folder.iterdir() if not path.suffix)
        told = json.loads(known.read_text())
        an_hour_ago = time.time() - 3600
        known.write_text(json.dumps({**told, "time": an_hour_ago}))
        (moment,) = folder.glob("*.moment")
        os.utime(moment, (an_hour_ago, an_hour_ago))
        index.answers[PAGE] = (200, b"a newer page")
        assert page("text/html") == b"a page"
        assert page("application/json") == b"a newer page"
        assert page("text/html") == b"a newer page"
        index.answers[PAGE] = (200, b"the newest page")
        assert {page("text/html"), page("application/json")} == {b"a newer page"}


def test_a_servers_trouble_is_passed_on_and_not_kept(
    index: Index, authority: Authority, tmp_path: Path
) -> None:
    right = index.answers[FILE]
    with session(tmp_path / "kept", authority) as downloads:
        index.answers[FILE] = (503, b"busy")
        with pytest.raises(urllib.error.HTTPError, match="503"):
            get(downloads, index.url + FILE)
        index.answers[FILE] = right
        assert get(downloads, index.url + FILE).read() == right[1]
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(downloads, index.url + "/simple/none/")


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-9", 0, 10), ("bytes=1000-", 1000, None), ("bytes=-7", -7, None)],
)
def test_a_part_of_a_file_is_that_part(
    index: Index, authority: Authority, tmp_path: Path, asked: str, start: int, end: int | None
) -> None:
    part = index.answers[FILE][1][start:end]
    with session(tmp_path / "kept", authority) as downloads:
        # Of what is not here no more is fetched, and that once.
        for _ in range(2):
            response = get(downloads, index.url + FILE, Range=asked)
            assert (response.status, response.read()) == (206, part)
        assert index.sent == len(part)
        # Of what is here it is taken.
        get(downloads, index.url + FILE).read()
        fetched = index.sent
        response = get(downloads, index.url + FILE, Range=asked)
        assert (response.status, response.read()) == (206, part)
        assert index.sent == fetched


def test_a_file_that_is_looked_at_is_not_fetched(
    index: Index, authority: Authority, tmp_path: Path
) -> None:
    with session(tmp_path / "kept", authority) as downloads:
        response = get(downloads, index.url + FILE, "HEAD")
        assert int(response.headers["Content-Length"]) == len(index.answers[FILE][1])
        assert response.read() == b""
        assert index.sent == 0
        assert get(downloads, index.url + FILE).read() == index.answers[FILE][1]


def test_two_who_ask_at_once_have_it_fetched_once(
    index: Index, authority: Authority, tmp_path: Path
) -> None:
    found = []
    with session(tmp_path / "kept", authority) as downloads:
        asking = [
            threading.Thread(target=lambda: found.append(get(downloads, index.url + FILE).read()))
            for _ in range(4)
        ]
        for each in asking:
            each.start()
        for each in asking:
            each.join()
    assert found == [index.answers[FILE][1]] * 4
    assert index.asked == [FILE]


def test_a_client_that_breaks_off_before_tls_leaves_no_socket_open(
    index: Index, authority: Authority, tmp_path: Path
) -> None:
    with session(tmp_path / "kept", authority) as downloads:
        proxy = urlsplit(downloads.variables["HTTPS_PROXY"])
        before = threading.active_count()
        for _ in range(20):
            with socket.create_connection((proxy.hostname, proxy.port)) as client:
                client.sendall(b"CONNECT 127.0.0.1:443 HTTP/1.1\r\n\r\n")
                # Closed with what stands in its buffers thrown away: the proxy sees a reset.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        while threading.active_count() > before:
            time.sleep(0.01)
        gc.collect()  # a socket that nobody closed warns, and warnings are errors
        assert get(downloads, index.url + FILE).read() == index.answers[FILE][1]


def test_the_folder_is_the_users_cache_unless_it_is_named(tmp_path: Path) -> None:
    assert default_folder({"CNBKIT_TEST_DOWNLOADS": ""}) is None
    assert default_folder({"CNBKIT_TEST_DOWNLOADS": str(tmp_path)}) == tmp_path
    below = tmp_path / "cnbkit-tests" / "downloads"
    assert default_folder({"XDG_CACHE_HOME": str(tmp_path)}) == below

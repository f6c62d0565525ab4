"""Whoever answers in an index's place cannot hold a build up, flood it, or get a login."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from cnbkit_indexes.ask import ask
from cnbkit_logins.address import Login

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LOGIN = Login("ann", "word")
Given = tuple[str, str | None]


class Server:
    """Answers as a test says.

    Attributes:
        url: without a path.
        answer: does it.
        asked: path and login of each request.
    """

    def __init__(self) -> None:
        self.answer: Callable[[BaseHTTPRequestHandler], None] = _fine
        self.asked: list[Given] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append((self.path, self.headers["Authorization"]))
                with suppress(OSError):
                    server.answer(self)

            do_HEAD = do_GET  # noqa: N815

            def log_message(self, *_arguments: object) -> None:
                """Keep the test's output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


def _fine(to: BaseHTTPRequestHandler) -> None:
    to.send_response(200)
    to.send_header("Content-Length", "4")
    to.end_headers()
    if to.command == "GET":
        to.wfile.write(b"fine")


def _leads(place: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(to: BaseHTTPRequestHandler) -> None:
        if to.path == "/there":
            _fine(to)
            return
        to.send_response(302)
        to.send_header("Location", place)
        to.end_headers()

    return answer


@contextmanager
def _serving() -> Iterator[Server]:
    made = Server()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    with _serving() as made:
        yield made


def _endless(to: BaseHTTPRequestHandler) -> None:
    to.send_response(200)
    to.end_headers()
    while True:
        to.wfile.write(bytes(1 << 16))


def _dripping_body(to: BaseHTTPRequestHandler) -> None:
    to.send_response(200)
    to.end_headers()
    while True:
        to.wfile.write(b"x")
        time.sleep(0.05)


def _dripping_headers(to: BaseHTTPRequestHandler) -> None:
    to.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        to.wfile.write(b"x")
        time.sleep(0.05)


def _cut(to: BaseHTTPRequestHandler) -> None:
    to.send_response(200)
    to.send_header("Content-Length", "9")
    to.end_headers()
    to.wfile.write(b"fine")


def _odd_length(to: BaseHTTPRequestHandler) -> None:
    to.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 400 + b"\r\n\r\n")


def _no_http(to: BaseHTTPRequestHandler) -> None:
    to.wfile.write(b"\0\1\2 nonsense\r\n" * 100)


def _many_headers(to: BaseHTTPRequestHandler) -> None:
    to.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000)


@pytest.mark.parametrize(
    "answer", [_dripping_body, _dripping_headers, _endless, _cut, _no_http, _many_headers]
)
def test_what_has_no_end_or_no_sense_is_an_error_of_the_network(
    server: Server, tmp_path: Path, answer: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    server.answer = answer
    with pytest.raises(OSError, match=r"\S"):
        ask(f"{server.url}/x", seconds=1, longest=1_000_000, into=str(tmp_path / "file"))
    file = tmp_path / "file"
    assert not file.exists() or file.stat().st_size <= 1_000_000


def test_the_beginning_is_enough_where_no_file_is_wanted(server: Server) -> None:
    server.answer = _endless
    assert ask(f"{server.url}/x", seconds=20, longest=100_000).body == bytes(100_000)


def test_a_length_that_is_none_is_not_believed(server: Server) -> None:
    server.answer = _odd_length
    assert ask(f"{server.url}/x", seconds=5, longest=9, head=True).length == 0


def test_a_file_of_just_the_size_is_whole(server: Server, tmp_path: Path) -> None:
    answer = ask(f"{server.url}/x", seconds=5, longest=4, into=str(tmp_path / "file"))
    assert (answer.status, answer.length, answer.body) == (200, 4, b"")
    assert (tmp_path / "file").read_bytes() == b"fine"


@pytest.mark.parametrize("head", [False, True])
def test_a_login_goes_to_its_own_place_and_to_no_other(server: Server, head: bool) -> None:
    with _serving() as other:
        server.answer = _leads(f"{other.url}/there")
        given = ask(f"{server.url}/x", login=LOGIN, seconds=5, longest=9, head=head)
        assert given.length == 4
        assert server.asked == [("/x", "Basic YW5uOndvcmQ=")]
        assert other.asked == [("/there", None)]
        server.asked.clear()
        server.answer = _leads("/there")
        ask(f"{server.url}/x", login=LOGIN, seconds=5, longest=9, head=head)
        assert [login for _, login in server.asked] == ["Basic YW5uOndvcmQ="] * 2


@pytest.mark.parametrize("place", ["file:///etc/hostname", "ftp://127.0.0.1/x", "data:,x"])
def test_nothing_leads_out_of_the_web(server: Server, place: str) -> None:
    server.answer = _leads(place)
    with pytest.raises(OSError, match=r"\S"):
        ask(f"{server.url}/x", seconds=5, longest=9)
    with pytest.raises(OSError, match=r"\S"):
        ask(place, seconds=5, longest=9)

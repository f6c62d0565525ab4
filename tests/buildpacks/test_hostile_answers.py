"""Answers of an index that have no end, no sense or another place: named, in bounded time."""

from __future__ import annotations

import hashlib
import json
import threading
import time
import zlib
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple

import pytest

import cnbkit_limits as limits
from cnbkit import CommandFailed, PlatformFault, UserFault
from cnbkit_pip.diagnosis import diagnose

from ..e2e.index import wheel, wheel_name
from .test_pip_resolution import INPUT, buildpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cnbkit import CnbkitError
    from cnbkit.testing import BuildpackRun

__all__ = ["buildpack"]

_WHEEL, _NAME = wheel("evil", "2.0"), wheel_name("evil", "2.0")
_SUM = hashlib.sha256(_WHEEL).hexdigest()
_JSON = "application/vnd.pypi.simple.v1+json"
Handler = BaseHTTPRequestHandler


class Server:
    """Answers as a test says.

    Attributes:
        url: of its simple index.
        host: with port.
        logins: those that came, empty ones too.
    """

    def __init__(self, answer: Callable[[Handler], None]) -> None:
        self.logins: list[str] = []
        server = self

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.logins.append(self.headers["Authorization"] or "")
                with suppress(OSError):
                    answer(self)

            do_HEAD = do_GET  # noqa: N815

            def log_message(self, *_arguments: object) -> None:
                """Keep the test's output clean."""

        class Silent(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """Whoever asks may go away."""

        self.server = Silent(("127.0.0.1", 0), Answering)
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.host}/simple/"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@contextmanager
def serving(answer: Callable[[Handler], None]) -> Iterator[Server]:
    made = Server(answer)
    yield made
    made.server.shutdown()
    made.server.server_close()


def send(to: Handler, body: bytes, kind: str = "text/html", status: int = 200, **more: str) -> None:
    to.send_response(status)
    to.send_header("Content-Type", kind)
    to.send_header("Content-Length", str(len(body)))
    for name, value in more.items():
        to.send_header(name.replace("_", "-"), value)
    to.end_headers()
    if to.command != "HEAD":
        to.wfile.write(body)


def page(to: Handler, link: str = "") -> None:
    """The project's page, or its file."""
    if to.path.startswith("/files/"):
        send(to, _WHEEL, "application/octet-stream")
    else:
        send(to, (link or f'<a href="/files/{_NAME}#sha256={_SUM}">{_NAME}</a>').encode())


def endless(to: Handler) -> None:
    to.send_response(200)
    to.send_header("Content-Type", "text/html")
    to.send_header("Transfer-Encoding", "chunked")
    to.end_headers()
    links = b"<a href='/x'>x</a>" * 4000
    while True:
        to.wfile.write(b"%x\r\n" % len(links) + links + b"\r\n")


def dripping(to: Handler) -> None:
    to.send_response(200)
    to.send_header("Content-Type", "text/html")
    to.send_header("Content-Length", "10000000")
    to.end_headers()
    while True:
        to.wfile.write(b" ")
        time.sleep(0.1)


def deep(to: Handler) -> None:
    start = b'{"meta":{"api-version":"1.0"},"name":"evil","files":'
    send(to, start + b"[" * 100_000 + b"]" * 100_000 + b"}", _JSON)


def many(to: Handler) -> None:
    if to.path.startswith("/files/"):
        return page(to)
    names = (f"evil-{number}.0-py3-none-any.whl" for number in range(3, 100_000))
    return page(to, "".join(f'<a href="/files/{name}">{name}</a>' for name in names))


def unpacking(to: Handler) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(150)) + packer.flush()
    send(to, body, Content_Encoding="gzip")


def other_name(to: Handler) -> None:
    if to.path.endswith(".metadata"):
        return send(to, b"Metadata-Version: 2.1\nName: good\nVersion: 9\n", "text/plain")
    return page(to, f'<a href="/files/{_NAME}#sha256={_SUM}" data-core-metadata="true">{_NAME}</a>')


def other_hash(to: Handler) -> None:
    return page(to, f'<a href="/files/{_NAME}#sha256={"0" * 64}">{_NAME}</a>')


def odd_numbers(to: Handler) -> None:
    file = {"filename": _NAME, "url": f"/files/{_NAME}", "hashes": {"sha256": _SUM}, "size": -5}
    about = {"meta": {"api-version": "1.0"}, "name": "evil", "files": [file]}
    send(to, json.dumps(about).encode(), _JSON)


def odd_range(to: Handler) -> None:
    if to.headers["Range"]:
        more = {"Content_Range": "bytes 99999999999-999999999999/5"}
        return send(to, b"x" * 10, "application/octet-stream", 206, **more)
    if to.path.startswith("/files/"):
        return send(to, _WHEEL, "application/octet-stream", Accept_Ranges="bytes")
    return page(to)


def endless_metadata(to: Handler) -> None:
    if to.path.endswith(".metadata"):
        return endless(to)
    return page(to, f'<a href="/files/{_NAME}#sha256={_SUM}" data-core-metadata="true">{_NAME}</a>')


class Case(NamedTuple):
    """An answer, and what is said of it."""

    answer: Callable[[Handler], None]
    kind: type[CnbkitError]
    what: str


_NONE = "what answers is not a package index"
CASES = {
    "no end": Case(
        endless, PlatformFault,
        "what an index answers takes more memory than there is, or than 8 GB",
    ),
    "metadata without end": Case(
        endless_metadata, PlatformFault,
        "what an index answers takes more memory than there is, or than 8 GB",
    ),
    "JSON 100,000 deep": Case(deep, PlatformFault, _NONE),
    "100,000 files": Case(
        many, UserFault, "the archive of evil==99999.0 is not a valid one: Wheel"
    ),
    "much from little": Case(unpacking, PlatformFault, _NONE),
    "an image": Case(lambda to: send(to, b"\x89PNG", "image/png"), PlatformFault, _NONE),
    "leads to a file": Case(
        lambda to: send(to, b"", status=302, Location="file:///etc/hostname"), PlatformFault, _NONE
    ),
    "leads on and on": Case(
        lambda to: send(to, b"", status=302, Location=f"{to.path}x"), UserFault,
        "no index has any file of evil: the address redirects to itself without end",
    ),
    "metadata of another": Case(
        other_name, PlatformFault, "an index says of evil what its file does not"
    ),
    "another hash": Case(
        other_hash, PlatformFault, "the file of evil==2.0 is not the one that was promised"
    ),
    "a size below zero": Case(odd_numbers, PlatformFault, _NONE),
    "another part": Case(odd_range, PlatformFault, "the file of evil arrives damaged"),
}  # fmt: skip
_QUICK = ("no end", "JSON 100,000 deep")


@pytest.mark.parametrize(
    "name",
    [each if each in _QUICK else pytest.param(each, marks=pytest.mark.full) for each in CASES],
)
def test_what_an_index_answers_is_named(
    buildpack_run: BuildpackRun,
    buildpack: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setattr("cnbkit_limits._MEMORY", 600_000)
    answer, kind, what = CASES[name]
    with serving(answer) as index:
        env = {**INPUT, "BP_PIP_INDEX_URL": index.url}
        result = buildpack_run(buildpack, app={"requirements.txt": "evil\n"}, env=env)
    assert result.fault
    assert result.fault.what.startswith(what)
    assert isinstance(result.fault, kind)
    assert index.host in str(result.fault.where)
    assert "Traceback" not in result.log


@pytest.mark.full
def test_metadata_without_end_do_not_fill_the_disk(
    buildpack_run: BuildpackRun, buildpack: Path
) -> None:
    with serving(endless_metadata) as index:
        env = {
            **INPUT,
            "BP_PIP_INDEX_URL": index.url,
            "BP_PIP_ENGINE": "pip",
            "BP_PIP_SIZE_LIMIT": "20",
        }
        result = buildpack_run(buildpack, app={"requirements.txt": "evil\n"}, env=env)
    assert result.fault
    assert result.fault.what == "the packages take more than 20 MB unpacked"
    left = [path for path in result.app.parent.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in left) < 10_000_000


@pytest.mark.parametrize(("minutes", "said"), [(1, "1 minute"), (90, "90 minutes")])
def test_the_time_that_is_allowed_is_told_in_minutes(minutes: int, said: str) -> None:
    seconds = limits.Limits("BP_PIP_SIZE_LIMIT", minutes).seconds
    assert seconds == minutes * 60
    fault = diagnose._too_slow(CommandFailed(["uv"], 1, "", timeout=seconds), "requirements.txt")
    assert fault.what == f"it took longer than {said}"


@pytest.mark.full
@pytest.mark.parametrize("engine", ["uv", "pip"])
def test_what_comes_drop_by_drop_ends_with_the_time_that_is_allowed(
    buildpack_run: BuildpackRun,
    buildpack: Path,
    engine: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Longer than a program may be still, shorter than nobody should have to wait for.
    monkeypatch.setattr(limits, "MINUTE", 15.0)
    with serving(dripping) as index:
        env = {
            **INPUT,
            "BP_PIP_INDEX_URL": index.url,
            "BP_PIP_ENGINE": engine,
            "BP_PIP_TIME_LIMIT": "1",
        }
        result = buildpack_run(buildpack, app={"requirements.txt": "evil\n"}, env=env)
    assert result.fault
    assert result.fault.what.startswith("it took longer than ")
    assert isinstance(result.fault, PlatformFault)
    assert "Still at it after" in result.log


@pytest.mark.parametrize("engine", ["uv", pytest.param("pip", marks=pytest.mark.full)])
def test_a_login_does_not_follow_to_another_host(
    buildpack_run: BuildpackRun, buildpack: Path, engine: str
) -> None:
    with serving(page) as other:

        def leads(to: Handler) -> None:
            send(to, b"", status=302, Location=f"http://{other.host}{to.path}")

        with serving(leads) as index:
            url = index.url.replace("://", "://ann:word@")
            env = {**INPUT, "BP_PIP_INDEX_URL": url, "BP_PIP_ENGINE": engine}
            result = buildpack_run(buildpack, app={"requirements.txt": "evil\n"}, env=env)
    assert result.code == 0, result.log
    assert any(index.logins)
    assert other.logins
    assert not any(other.logins)

"""Downloads from a real server that misbehaves in every way on request."""

from __future__ import annotations

import hashlib
import http.server
import threading
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit import BuildpackFault, Dependency, PlatformFault
from cnbkit.bindings import Bindings
from cnbkit.download import Downloads
from cnbkit.log import Log
from cnbkit.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

DATA = bytes(range(256)) * 1000
SUM = hashlib.sha256(DATA).hexdigest()


class Server:
    """Answers each request by the next of its `behaviours`; the last one goes on."""

    def __init__(self) -> None:
        self.behaviours: list[str] = ["good"]
        self.seen: list[tuple[str, str]] = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.answer(self)

            def log_message(self, *_: Any) -> None:
                """Keep the test's output clean."""

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def answer(self, to: http.server.BaseHTTPRequestHandler) -> None:
        wanted = to.headers.get("Range", "")
        self.seen.append((to.path, wanted))
        how = self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]
        start = int(wanted[6:-1]) if wanted and how != "no ranges" else 0
        if how.isdigit():
            to.send_response(int(how))
            to.send_header("Content-Length", "0")
            to.send_header("Location", "/moved/file.bin")
            to.end_headers()
            return
        body = DATA[start:]
        to.send_response(206 if start else 200)
        if start:
            at = start + 1 if how == "elsewhere" else start
            to.send_header("Content-Range", f"bytes {at}-{len(DATA) - 1}/{len(DATA)}")
        to.send_header("Content-Length", str(len(body)))
        to.end_headers()
        if how == "other":
            body = body[::-1]
        to.wfile.write(body[: len(body) // 2] if how == "cut" else body)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


@pytest.fixture
def fetcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fetcher:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return Fetcher(tmp_path)


class Fetcher:
    """Fetches into a fresh folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.env: dict[str, str] = {}

    def __call__(
        self, url: str, *, mirrors: Sequence[str] = (), attempts: int = 3, sha256: str = SUM
    ) -> bytes:
        settings = Settings(self.env, str(self.root / "platform"))
        downloads = Downloads(
            str(self.root / "got"),
            str(self.root / "bundle"),
            settings,
            Bindings(settings, str(self.root / "platform")),
            Log(),
            pauses=[0] * (attempts - 1),
        )
        path = downloads.fetch(Dependency(url, sha256, mirrors=mirrors))
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read()


def test_a_file_is_fetched_once(server: Server, fetcher: Fetcher) -> None:
    for _ in range(2):
        assert fetcher(f"{server.url}/file.bin?x=1") == DATA
    assert server.seen == [("/file.bin?x=1", "")]


@pytest.mark.parametrize("status", ["500", "503", "429", "408"])
def test_a_passing_fault_is_tried_again(server: Server, fetcher: Fetcher, status: str) -> None:
    server.behaviours = [status, status, "good"]
    assert fetcher(f"{server.url}/file.bin") == DATA
    assert len(server.seen) == 3


def test_what_was_cut_off_is_continued(server: Server, fetcher: Fetcher) -> None:
    server.behaviours = ["cut", "cut", "good"]
    assert fetcher(f"{server.url}/file.bin") == DATA
    assert [wanted for _, wanted in server.seen] == ["", "bytes=128000-", "bytes=192000-"]


@pytest.mark.parametrize("how", ["no ranges", "elsewhere", "416"])
def test_a_server_that_cannot_continue_begins_anew(
    server: Server, fetcher: Fetcher, how: str
) -> None:
    server.behaviours = ["cut", how, "good"]
    assert fetcher(f"{server.url}/file.bin") == DATA


def test_a_redirect_is_followed(server: Server, fetcher: Fetcher) -> None:
    server.behaviours = ["302", "good"]
    assert fetcher(f"{server.url}/file.bin") == DATA
    assert server.seen[1][0] == "/moved/file.bin"


def test_a_wrong_checksum_goes_to_the_next_address_and_leaves_nothing(
    server: Server, fetcher: Fetcher
) -> None:
    server.behaviours = ["other", "good"]
    assert fetcher(f"{server.url}/a/file.bin", mirrors=[f"{server.url}/b/file.bin"]) == DATA
    assert [path for path, _ in server.seen] == ["/a/file.bin", "/b/file.bin"]
    server.behaviours = ["other"]
    with pytest.raises(PlatformFault) as caught:
        fetcher(f"{server.url}/file.bin", sha256="0" * 64)
    assert "it is not the file it should be" in str(caught.value)
    assert list((fetcher.root / "got" / ("0" * 64)).iterdir()) == []


def test_every_address_that_failed_is_named_without_its_secrets(
    server: Server, fetcher: Fetcher
) -> None:
    server.behaviours = ["404", "503"]
    host = server.url.removeprefix("http://")
    with pytest.raises(PlatformFault) as caught:
        fetcher(f"http://me:geheim@{host}/a.bin?sig=geheim", mirrors=[f"{server.url}/b.bin"])
    text = str(caught.value)
    assert "geheim" not in text
    assert f"http://{host}/a.bin: HTTP status 404" in text
    assert f"http://{host}/b.bin: HTTP status 503, 3 times" in text


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "gopher://x/y", "file:///nowhere/x"])
def test_an_address_nobody_answers_at_is_a_platform_fault(fetcher: Fetcher, url: str) -> None:
    with pytest.raises(PlatformFault, match="cannot fetch"):
        fetcher(url, attempts=2)


def test_a_mirror_is_asked_first_and_the_address_itself_after_it(
    server: Server, fetcher: Fetcher
) -> None:
    fetcher.env["BP_DEPENDENCY_MIRROR"] = f"{server.url}/mirror/{{originalHost}}/"
    server.behaviours = ["404", "good"]
    host = server.url.removeprefix("http://")
    assert fetcher(f"{server.url}/some/file.bin") == DATA
    paths = [path for path, _ in server.seen]
    assert paths == [f"/mirror/{host}/some/file.bin", "/some/file.bin"]


def test_a_binding_may_name_the_address(server: Server, fetcher: Fetcher) -> None:
    folder = fetcher.root / "platform" / "bindings" / "map"
    folder.mkdir(parents=True)
    (folder / "type").write_text("dependency-mapping")
    (folder / SUM).write_text(f"{server.url}/mapped.bin\n")
    assert fetcher("http://127.0.0.1:9/x.bin") == DATA


def test_an_offline_package_needs_no_network(fetcher: Fetcher) -> None:
    (fetcher.root / "bundle" / SUM).mkdir(parents=True)
    (fetcher.root / "bundle" / SUM / "x.bin").write_bytes(DATA)
    assert fetcher("http://127.0.0.1:9/x.bin") == DATA
    (fetcher.root / "bundle" / SUM / "x.bin").write_bytes(b"changed")
    with pytest.raises(PlatformFault):
        fetcher("http://127.0.0.1:9/x.bin", attempts=1)


@pytest.mark.parametrize(
    ("url", "sha256"), [("http://x/y", "123"), ("http://x/y", "z" * 64), ("", SUM)]
)
def test_a_dependency_without_checksum_or_name_is_refused(url: str, sha256: str) -> None:
    with pytest.raises(BuildpackFault):
        Dependency(url, sha256)

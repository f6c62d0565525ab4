"""Downloads from a real server that misbehaves in every way on request."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit import BuildpackFault, Dependency, DownloadFailed, PlatformFault
from cnbkit.bindings.bindings import Bindings
from cnbkit.download import Downloads
from cnbkit.log import Log
from cnbkit.settings import Settings

from ..http_server import HttpServer

if TYPE_CHECKING:
    import http.server
    from collections.abc import Callable, Iterator, Mapping, Sequence

DATA = bytes(range(256)) * 1000
SUM = hashlib.sha256(DATA).hexdigest()


class Server(HttpServer):
    """Answers each request by the next of its `behaviours`; the last one goes on."""

    def __init__(self) -> None:
        self.behaviours: list[str] = ["good"]
        self.seen: list[tuple[str, str]] = []
        self.logins: list[tuple[str | None, str | None]] = []
        self.moved = "/moved/file.bin"
        super().__init__()

    def answer(self, to: http.server.BaseHTTPRequestHandler) -> None:
        wanted = to.headers.get("Range", "")
        self.seen.append((to.path, wanted))
        self.logins.append((to.headers.get("Authorization"), to.headers.get("X-Key")))
        how = self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]
        start = int(wanted[6:-1]) if wanted and how != "no ranges" else 0
        if how.isdigit():
            to.send_response(int(how))
            to.send_header("Content-Length", "0")
            to.send_header("Location", self.moved)
            to.end_headers()
            return
        if how in ("endless", "drop by drop"):
            to.send_response(200)
            to.end_headers()
            with suppress(OSError):
                while True:
                    to.wfile.write(DATA if how == "endless" else b"x")
                    time.sleep(0 if how == "endless" else 0.02)
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
    made.close()


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
        self,
        url: str,
        *,
        mirrors: Sequence[str] = (),
        attempts: int = 3,
        sha256: str = SUM,
        headers: Callable[[], Mapping[str, str]] | None = None,
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
        path = downloads.fetch(Dependency(url, sha256, mirrors=mirrors, headers=headers))
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


def test_drops_are_no_answer(
    server: Server, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cnbkit.flow._WINDOW", 0.3)
    server.behaviours = ["drop by drop", "good"]
    # What came of them is what the file does not begin with, so that it is thrown away.
    with pytest.raises(DownloadFailed, match=r"it is not the file it should be"):
        fetcher(f"{server.url}/file.bin", attempts=2)
    server.behaviours = ["drop by drop"]
    with pytest.raises(DownloadFailed, match=r"it came to \d+ bytes in 0.3 s, 2 times"):
        fetcher(f"{server.url}/file.bin", attempts=2)


def test_a_file_without_end_is_not_kept(
    server: Server, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cnbkit.download._LONGEST", 2_000_000)
    server.behaviours = ["endless"]
    with pytest.raises(DownloadFailed, match="it is longer than"):
        fetcher(f"{server.url}/file.bin")
    assert [*fetcher.root.rglob("*.part")] == []


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


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.0.0.1.invalid"])
def test_an_address_of_the_builds_own_network_is_told_as_such(fetcher: Fetcher, host: str) -> None:
    with pytest.raises(PlatformFault) as caught:
        fetcher(f"http://{host}:9/x", attempts=1)
    own = not host.endswith("invalid")
    told = f"there {host.strip('[]')} is a network of its own"
    assert (told in str(caught.value.remedy)) == own
    assert ("--network host" in str(caught.value.remedy)) == own


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


def test_each_request_has_headers_of_its_own_and_no_other_host_sees_them(
    server: Server, fetcher: Fetcher
) -> None:
    asked = iter(range(10))

    def headers() -> dict[str, str]:
        return {"Authorization": f"Bearer {next(asked)}", "X-Key": "k"}

    server.behaviours = ["cut", "302", "good"]
    assert fetcher(f"{server.url}/a.bin", headers=headers) == DATA
    # A new signature for each attempt; within one host a redirect keeps it.
    assert server.logins == [("Bearer 0", "k"), ("Bearer 1", "k"), ("Bearer 1", "k")]

    server.logins.clear()
    server.behaviours = ["302", "good"]
    server.moved = server.url.replace("127.0.0.1", "localhost") + "/file.bin"
    fetcher.root /= "elsewhere"
    assert fetcher(f"{server.url}/b.bin", headers=headers) == DATA
    assert server.logins == [("Bearer 2", "k"), (None, None)]

    server.logins.clear()
    server.behaviours = ["404", "good"]
    fetcher.root /= "mirror"
    fetcher.env["BP_DEPENDENCY_MIRROR"] = server.url
    assert fetcher("http://127.0.0.1:9/c.bin", mirrors=[f"{server.url}/d"], headers=headers) == DATA
    assert server.logins == [(None, None), (None, None)]


def test_what_each_address_answered_can_be_asked_of_the_fault(
    server: Server, fetcher: Fetcher
) -> None:
    server.behaviours = ["401", "503", "503", "other"]
    more = [f"{server.url}/b", f"{server.url}/c", "file:///nowhere"]
    with pytest.raises(DownloadFailed) as caught:
        fetcher(f"{server.url}/a", mirrors=more, attempts=2)
    assert caught.value.statuses == (401, 503, 200, 0)


def test_a_full_disk_is_told_as_such(server: Server, tmp_path: Path) -> None:
    (tmp_path / "got").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(tmp_path / "got")]
    code = (
        "import subprocess, sys; from pathlib import Path\n"
        f"subprocess.run({mount!r}, check=True)\n"
        "from tests.sdk.test_download import Fetcher\n"
        f"Fetcher(Path({str(tmp_path)!r}))('{server.url}/a.bin', attempts=1)\n"
    )
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "cannot store a.bin: No space left on device" in done.stderr
    assert "free some space" in done.stderr

"""What a registry's hosts see of a login: two servers on this machine, one of them not to trust."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit.errors import PlatformFault
from cnbkit_engine.oci import types
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.store import ImageStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PAIR = b64encode(b"jane:s3cret").decode()
Answer = tuple[int, dict[str, str], bytes]


class Server:
    """Answers by a function, and keeps what it was asked and with which login."""

    def __init__(self) -> None:
        self.answer: Callable[[str, str, bytes], Answer] = lambda *_: (404, {}, b"")
        self.asked: list[tuple[str, str, str | None]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server.asked.append((self.command, self.path, self.headers.get("Authorization")))
                status, headers, content = server.answer(self.command, self.path, body)
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = handle_any  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Keep the test's output clean."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.host = f"127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def logins(self) -> list[str]:
        return [login for *_, login in self.asked if login]

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def registry() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def other() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def login(registry: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    content = {"auths": {registry.host: {"auth": PAIR}}}
    (tmp_path / "config.json").write_text(json.dumps(content))


def image(folder: Path) -> tuple[Path, types.Descriptor]:
    """A layout with the smallest image."""
    store = ImageStore(folder / "layout")
    config = json.dumps({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": []}})
    kind = "application/vnd.oci.image.config.v1+json"
    blob = {"mediaType": kind, "digest": store.put_blob(config.encode()), "size": len(config)}
    manifest = {"schemaVersion": 2, "mediaType": types.OCI_MANIFEST, "config": blob, "layers": []}
    store.put_manifest("demo", types.OCI_MANIFEST, json.dumps(manifest).encode())
    return store.path, store.resolve("demo")


def test_an_upload_at_another_host_is_anonymous_whatever_it_asks_for(
    registry: Server, other: Server, tmp_path: Path
) -> None:
    def answer(method: str, _path: str, _body: bytes) -> Answer:
        if registry.asked[-1][2] is None:
            return 401, {"WWW-Authenticate": 'Basic realm="r"'}, b""
        if method == "POST":
            return 202, {"Location": f"http://{other.host}/upload"}, b""
        return (404 if method == "HEAD" else 201), {}, b""

    registry.answer = answer
    realm = f'Bearer realm="http://{other.host}/token",service="s"'
    other.answer = lambda *_: (401, {"WWW-Authenticate": realm}, b"")
    with pytest.raises(PlatformFault, match=r"sends data by .* which refuses"):
        Remote(f"{registry.host}/demo").push(*image(tmp_path))
    assert registry.logins()
    assert [(method, path.partition("?")[0]) for method, path, _ in other.asked] == [
        ("PUT", "/upload")
    ]
    assert other.logins() == []


def test_an_upload_at_another_host_that_takes_it_is_done(
    registry: Server, other: Server, tmp_path: Path
) -> None:
    def answer(method: str, _path: str, _body: bytes) -> Answer:
        if registry.asked[-1][2] is None:
            return 401, {"WWW-Authenticate": 'Basic realm="r"'}, b""
        if method == "POST":
            return 202, {"Location": f"http://{other.host}/upload"}, b""
        return (404 if method == "HEAD" else 201), {}, b""

    registry.answer = answer
    other.answer = lambda *_: (201, {}, b"")
    layout, descriptor = image(tmp_path)
    assert Remote(f"{registry.host}/demo").push(layout, descriptor) == descriptor.digest
    assert other.asked
    assert other.logins() == []


def test_an_upload_at_an_address_of_the_private_network_is_refused(
    registry: Server, tmp_path: Path
) -> None:
    def answer(method: str, _path: str, _body: bytes) -> Answer:
        if method == "POST":
            return 202, {"Location": "http://169.254.169.254/latest/meta-data"}, b""
        return 404, {}, b""

    registry.answer = answer
    with pytest.raises(PlatformFault) as caught:
        Remote(f"{registry.host}/demo").push(*image(tmp_path))
    assert "169.254.169.254" in str(caught.value.detail)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirected_download_drops_the_login_and_answers_no_challenge(
    registry: Server, other: Server, status: int
) -> None:
    def answer(_method: str, _path: str, _body: bytes) -> Answer:
        if registry.asked[-1][2] is None:
            return 401, {"WWW-Authenticate": 'Basic realm="r"'}, b""
        return status, {"Location": f"http://{other.host}/blob"}, b""

    registry.answer = answer
    realm = f'Bearer realm="http://{other.host}/token"'
    other.answer = lambda *_: (401, {"WWW-Authenticate": realm}, b"")
    with pytest.raises(PlatformFault, match="which refuses"):
        Remote(f"{registry.host}/demo").digest()
    assert [path for _, path, _ in other.asked] == ["/blob"]
    assert other.logins() == []


def test_a_redirect_on_the_same_host_keeps_the_login(registry: Server) -> None:
    manifest = json.dumps({"mediaType": types.OCI_MANIFEST}).encode()

    def answer(_method: str, path: str, _body: bytes) -> Answer:
        if registry.asked[-1][2] is None:
            return 401, {"WWW-Authenticate": 'Basic realm="r"'}, b""
        if path.startswith("/v2/"):
            return 307, {"Location": "/elsewhere"}, b""
        return 200, {"Content-Type": types.OCI_MANIFEST}, manifest

    registry.answer = answer
    assert Remote(f"{registry.host}/demo").digest() == f"sha256:{sha256(manifest).hexdigest()}"
    assert registry.asked[-1] == ("GET", "/elsewhere", f"Basic {PAIR}")


def test_redirects_without_end_end(registry: Server) -> None:
    registry.answer = lambda *_: (302, {"Location": "/v2/again"}, b"")
    with pytest.raises(PlatformFault) as caught:
        Remote(f"{registry.host}/demo").digest()
    assert "redirects more than" in str(caught.value.detail)
    assert len(registry.asked) < 20


def test_a_token_service_that_redirects_elsewhere_gives_nothing_away(
    registry: Server, other: Server
) -> None:
    def answer(_method: str, path: str, _body: bytes) -> Answer:
        if path.startswith("/token"):
            return 302, {"Location": f"http://{other.host}/token"}, b""
        realm = f'Bearer realm="http://{registry.host}/token"'
        return 401, {"WWW-Authenticate": realm}, b""

    registry.answer = answer
    other.answer = lambda *_: (200, {}, b'{"token": "t"}')
    with pytest.raises(PlatformFault, match="token service that gets no login"):
        Remote(f"{registry.host}/demo").digest()
    assert other.asked == []


def test_a_token_of_the_registrys_own_service_is_used(registry: Server) -> None:
    manifest = json.dumps({"mediaType": types.OCI_MANIFEST}).encode()

    def answer(_method: str, path: str, _body: bytes) -> Answer:
        if path.startswith("/token"):
            assert registry.asked[-1][2] == f"Basic {PAIR}"
            return 200, {}, b'{"token": "t"}'
        if registry.asked[-1][2] != "Bearer t":
            realm = f'Bearer realm="http://{registry.host}/token",scope="repository:demo:pull"'
            return 401, {"WWW-Authenticate": realm}, b""
        return 200, {"Content-Type": types.OCI_MANIFEST}, manifest

    registry.answer = answer
    assert Remote(f"{registry.host}/demo").digest().startswith("sha256:")


def test_a_proxy_is_not_asked_for_a_registry_on_this_machine(
    registry: Server, other: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://{other.host}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    manifest = json.dumps({"mediaType": types.OCI_MANIFEST}).encode()
    registry.answer = lambda *_: (200, {"Content-Type": types.OCI_MANIFEST}, manifest)
    assert Remote(f"{registry.host}/demo").digest().startswith("sha256:")
    assert other.asked == []

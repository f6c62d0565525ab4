"""Packages in registries: pushed whole or not at all, and read back."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit.errors import PlatformFault, UserFault
from cnbkit_engine.builder.folder import ensure_builder
from cnbkit_engine.buildpack.assemble import Runtime
from cnbkit_engine.buildpack.package import Package
from cnbkit_engine.oci.remote import Remote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cnbkit_engine.state.home import Home

    from .conftest import WriteBuildpack


def _package(directory: Path, root: Path) -> Package:
    return Package(directory, lambda: root, show=print)


def test_several_targets_are_one_image(
    tmp_path: Path, home: Home, root: Path, bash: WriteBuildpack, registry: str, crane: Path
) -> None:
    folder = bash("a/one", "1.0.0", "amd64", "arm64")
    name = f"{registry}/team/one:1"
    published = _package(folder, root).publish(home, name)
    index = json.loads(subprocess.check_output([crane, "manifest", name]))
    assert [each["platform"]["architecture"] for each in index["manifests"]] == ["amd64", "arm64"]
    digest = subprocess.check_output([crane, "digest", name], text=True).strip()
    assert published == f"{registry}/team/one@{digest}"
    subprocess.run([crane, "validate", "--remote", name], check=True, capture_output=True)
    # The same again changes nothing, not even the digest.
    assert _package(folder, root).publish(home, name) == published

    # A builder takes it from there, for its own architecture.
    (tmp_path / "builder.toml").write_text(
        f'[[buildpacks]]\nimage = "{published}"\n[[order]]\n[[order.group]]\nid = "a/one"\n'
    )
    assembled = ensure_builder(home, tmp_path / "builder.toml", Runtime(), root)
    assert (assembled / "buildpacks/a_one/1.0.0/bin/detect").is_file()

    with pytest.raises(UserFault, match="there is no image"):
        Remote(f"{registry}/team/none:1").pull(tmp_path / "none", "amd64")


class _Registry(BaseHTTPRequestHandler):
    """Answers as the test wants."""

    answer: Callable[[_Registry], None]
    seen: list[str]

    def _any(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.rfile.read(length)
        self.seen.append(f"{self.command} {self.path.partition('?')[0]}")
        type(self).answer(self)

    do_GET = do_HEAD = do_POST = do_PUT = _any  # noqa: N815

    def say(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def server() -> Iterator[Callable[[Callable[[Any], None]], tuple[str, list[str]]]]:
    """Starts a registry that answers by a function; its host, and what it was asked."""
    running: list[ThreadingHTTPServer] = []

    def start(answer: Callable[[Any], None]) -> tuple[str, list[str]]:
        handler = type("Handler", (_Registry,), {"answer": staticmethod(answer), "seen": []})
        made = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        running.append(made)
        threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
        return f"127.0.0.1:{made.server_port}", handler.seen  # type: ignore[attr-defined]

    yield start
    for each in running:
        each.shutdown()
        each.server_close()


def test_an_interrupted_push_leaves_no_image(
    home: Home, root: Path, bash: WriteBuildpack, server: Any
) -> None:
    def answer(request: Any) -> None:
        if request.command == "HEAD":
            request.say(404)
        elif request.command == "POST":
            request.say(202, Location="/v2/a/one/blobs/uploads/1")
        else:
            request.connection.close()

    host, seen = server(answer)
    with pytest.raises(PlatformFault, match=f"cannot reach the registry {host}"):
        _package(bash("a/one", "1.0.0", "amd64", "arm64"), root).publish(home, f"{host}/a/one:1")
    assert seen.count("PUT /v2/a/one/blobs/uploads/1") > 1  # it has tried
    assert not [line for line in seen if "/manifests/" in line]


def test_credentials_are_used_and_expired_ones_are_told(
    tmp_path: Path,
    home: Home,
    root: Path,
    bash: WriteBuildpack,
    server: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def answer(request: Any) -> None:
        if request.path.startswith("/token"):
            asked.append((request.path, request.headers["Authorization"]))
            request.say(200, b'{"token": "old"}')
        else:
            realm = f"http://{request.headers['Host']}/token"
            challenge = f'Bearer realm="{realm}",service="s",scope="repository:a/one:pull,push"'
            request.say(401, b"token expired", WWW_Authenticate=challenge)

    host, _ = server(answer)
    entry = {"auth": base64.b64encode(b"me:secret").decode()}
    (tmp_path / "config.json").write_text(json.dumps({"auths": {host: entry}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with pytest.raises(PlatformFault, match="the registry refuses: HTTP status 401") as caught:
        _package(bash("a/one"), root).publish(home, f"{host}/a/one:1")
    assert f"docker login {host}" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert asked[0] == (
        "/token?service=s&scope=repository%3Aa%2Fone%3Apull%2Cpush",
        f"Basic {entry['auth']}",
    )


def test_a_token_that_expires_during_a_push_is_asked_for_again(
    home: Home, root: Path, bash: WriteBuildpack, server: Any
) -> None:
    tokens = iter(("first", "second"))
    valid = "first"

    def answer(request: Any) -> None:
        nonlocal valid
        if request.path.startswith("/token"):
            request.say(200, json.dumps({"token": next(tokens)}).encode())
        elif request.headers["Authorization"] != f"Bearer {valid}":
            realm = f"http://{request.headers['Host']}/token"
            request.say(401, WWW_Authenticate=f'Bearer realm="{realm}",service="s"')
        elif request.command == "HEAD":
            request.say(404)
        elif request.command == "POST":
            request.say(202, Location="/v2/a/one/blobs/uploads/1")
        elif valid == "first":
            valid = "second"
            request.say(401, WWW_Authenticate=f'Bearer realm="http://{host}/token",service="s"')
        else:
            request.say(201)

    host, seen = server(answer)
    published = _package(bash("a/one"), root).publish(home, f"{host}/a/one:1")
    assert published.startswith(f"{host}/a/one@sha256:")
    assert seen.count("GET /token") == 2
    assert seen[-1] == "PUT /v2/a/one/manifests/1"


@pytest.mark.parametrize("name", ["127.0.0.1:9/a/one:1", "registry.invalid/a/one:1"])
def test_a_registry_out_of_reach_is_named(
    home: Home, root: Path, bash: WriteBuildpack, name: str
) -> None:
    with pytest.raises(PlatformFault, match="cannot reach the registry") as caught:
        _package(bash("a/one"), root).publish(home, name)
    assert caught.value.where == name


def test_what_a_registry_sends_is_checked(tmp_path: Path, server: Any) -> None:
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/x", "digest": f"sha256:{'0' * 64}", "size": 5},
        "layers": [],
    }

    def answer(request: Any) -> None:
        if "/manifests/" in request.path:
            request.say(200, json.dumps(manifest).encode())
        else:
            request.say(200, b"other")

    host, _ = server(answer)
    with pytest.raises(PlatformFault, match="the bytes received have the digest"):
        Remote(f"{host}/a/one:1").pull(tmp_path / "one", "amd64")
    with pytest.raises(PlatformFault, match="this is not a registry, or a broken one"):
        Remote(f"{host}/a/one@sha256:{'1' * 64}").pull(tmp_path / "two", "amd64")

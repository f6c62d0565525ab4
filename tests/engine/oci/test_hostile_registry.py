"""A registry that answers with whatever it likes: a fault says so, and little is read of it."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit.errors import CnbkitError, PlatformFault
from cnbkit_engine.oci import session
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.types import OCI_INDEX, OCI_MANIFEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PIECE = 1 << 16


class Hostile(ThreadingHTTPServer):
    """Gives each path what the test has put there; counts bytes of what never ends."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, tuple[bytes, dict[str, str]]] = {}
        self.endless: set[str] = set()
        self.drops: set[str] = set()
        self.sent = 0
        self.host = f"127.0.0.1:{self.server_port}"

    def put(self, place: str, data: object, **headers: str) -> str:
        """Answer so below the repository's address; the data's digest."""
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.answers[place] = (body, {key.replace("_", "-"): headers[key] for key in headers})
        return f"sha256:{hashlib.sha256(body).hexdigest()}"


class _Handler(BaseHTTPRequestHandler):
    server: Hostile

    def do_GET(self) -> None:
        place = self.path.removeprefix("/v2/a/one/")
        body, headers = self.server.answers.get(place, (b"", {}))
        self.send_response(200 if body or place in self.server.endless else 404)
        for key, value in headers.items():
            self.send_header(key, value)
        if place in self.server.endless:
            self.end_headers()
            with suppress(OSError):
                while self.server.sent < 1 << 30:
                    self.wfile.write(b"[" * PIECE)
                    self.server.sent += PIECE
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(OSError):
            for at in range(len(body)) if place in self.server.drops else ():
                self.wfile.write(body[at : at + 1])
                time.sleep(0.05)
            if place not in self.server.drops:
                self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    server = Hostile()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def manifest(config: str, *layers: dict[str, Any]) -> dict[str, Any]:
    described = {"mediaType": "application/x", "digest": config, "size": 2}
    return {"mediaType": OCI_MANIFEST, "config": described, "layers": [*layers]}


DEEP = b"[" * 200_000
INDEX = {"mediaType": OCI_INDEX}
ASKED: list[Callable[[Remote, Path], object]] = [
    lambda remote, folder: remote.pull(folder, "amd64"),
    lambda remote, _: remote.config("amd64"),
    lambda remote, _: remote.layers("amd64"),
    lambda remote, _: remote.digest() and remote.blobs("amd64"),
]


@pytest.mark.parametrize("ask", ASKED)
@pytest.mark.parametrize(
    "data",
    [
        DEEP,
        b'{"a":' * 100_000,
        b"\xff\xfe",
        b"null",
        b"[]",
        b"1e999",
        INDEX,
        {**INDEX, "manifests": 3},
        {**INDEX, "manifests": [3, None, [], {"platform": 1}, {"platform": {"os": "linux"}}]},
        {**INDEX, "manifests": [{"platform": {"os": "linux", "architecture": "amd64"}}]},
        {
            **INDEX,
            "manifests": [
                {"platform": {"os": "linux", "architecture": "amd64"}, "digest": "../../../x"}
            ],
        },
        {"mediaType": OCI_MANIFEST},
        {"mediaType": OCI_MANIFEST, "config": 3, "layers": {}},
        {"mediaType": OCI_MANIFEST, "config": {"digest": "sha256:x"}, "layers": [1]},
        {"mediaType": ["x"], "config": {}},
    ],
    ids=range(15),
)
def test_a_manifest_that_is_none_is_a_fault(
    hostile: Hostile, tmp_path: Path, data: object, ask: Callable[[Remote, Path], object]
) -> None:
    hostile.put("manifests/1", data)
    with pytest.raises(CnbkitError):
        ask(Remote(f"{hostile.host}/a/one:1"), tmp_path / "out")


@pytest.mark.parametrize("data", [DEEP, b"\xff", b"[]", {"rootfs": 3}, {"rootfs": {"diff_ids": 1}}])
def test_a_config_that_is_none_is_a_fault(hostile: Hostile, data: object) -> None:
    digest = hostile.put("blobs/x", data)
    hostile.answers[f"blobs/{digest}"] = hostile.answers["blobs/x"]
    hostile.put("manifests/1", manifest(digest))
    with pytest.raises(CnbkitError):
        Remote(f"{hostile.host}/a/one:1").blobs("amd64")


@pytest.mark.parametrize("place", ["manifests/1", "config"])
def test_an_answer_without_end_is_read_up_to_a_limit(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(session, "_LARGEST", 1 << 20)
    if place == "config":
        digest = f"sha256:{'0' * 64}"
        place = f"blobs/{digest}"
        hostile.put("manifests/1", manifest(digest))
    hostile.endless.add(place)
    with pytest.raises(PlatformFault, match="cannot reach the registry") as caught:
        Remote(f"{hostile.host}/a/one:1").config("amd64")
    assert "more than 1 MB" in str(caught.value)
    assert hostile.sent < 32 << 20, "the rest is in the kernel's buffers"


def test_what_is_packed_as_it_is_sent_is_not_unpacked(hostile: Hostile, tmp_path: Path) -> None:
    packed = gzip.compress(b" " * (200 << 20) + b"{}", 9)
    hostile.put("manifests/1", packed, Content_Encoding="gzip")
    with pytest.raises(PlatformFault, match="not a registry"):
        Remote(f"{hostile.host}/a/one:1").pull(tmp_path / "out", "amd64")


def test_of_a_layer_no_more_is_written_than_the_manifest_says(
    hostile: Hostile, tmp_path: Path
) -> None:
    digest = f"sha256:{'1' * 64}"
    layer = {"mediaType": "application/x", "digest": digest, "size": 100}
    config = hostile.put("blobs/x", {})
    hostile.answers[f"blobs/{config}"] = hostile.answers["blobs/x"]
    hostile.put("manifests/1", manifest(config, layer))
    hostile.endless.add(f"blobs/{digest}")
    with pytest.raises(PlatformFault) as caught:
        Remote(f"{hostile.host}/a/one:1").pull(tmp_path / "out", "amd64")
    assert "more than the 100 bytes" in str(caught.value)
    assert hostile.sent < 32 << 20
    written = sum(each.stat().st_size for each in (tmp_path / "out").rglob("*") if each.is_file())
    assert written < 1 << 20


def test_indexes_in_indexes_come_to_an_end(hostile: Hostile, tmp_path: Path) -> None:
    digest, platform = f"sha256:{'0' * 64}", {"os": "linux", "architecture": "amd64"}
    for number in range(20):
        index = {**INDEX, "manifests": [{"platform": platform, "digest": digest}]}
        place = f"manifests/{number}"
        digest = hostile.put(place, index)
        hostile.answers[f"manifests/{digest}"] = hostile.answers[place]
    with pytest.raises(PlatformFault, match="not a registry") as caught:
        Remote(f"{hostile.host}/a/one:19").pull(tmp_path / "out", "amd64")
    assert "indexes are nested" in str(caught.value)


@pytest.mark.parametrize("place", ["manifests/1", "config", "layer"])
def test_an_answer_that_comes_drop_by_drop_is_not_waited_for(
    hostile: Hostile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr("cnbkit.flow._WINDOW", 0.3)
    config = json.dumps({"os": "linux", "architecture": "amd64"}).encode()
    layer = bytes(1000)
    blobs = {"config": config, "layer": layer}
    made: dict[str, dict[str, Any]] = {}
    for name, data in blobs.items():
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        hostile.put(f"blobs/{digest}", data)
        made[name] = {"mediaType": "application/x", "digest": digest, "size": len(data)}
    hostile.put(
        "manifests/1",
        {"mediaType": OCI_MANIFEST, "config": made["config"], "layers": [made["layer"]]},
        Content_Type=OCI_MANIFEST,
    )
    hostile.drops.add(place if place == "manifests/1" else f"blobs/{made[place]['digest']}")
    with pytest.raises(PlatformFault) as caught:
        Remote(f"{hostile.host}/a/one:1").pull(tmp_path, "amd64")
    assert "bytes in 0.3 s" in str(caught.value)

"""The store's registry lets a phase do what that phase has to, and no more."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, NamedTuple

import pytest

from cnbkit_engine.oci import types
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.registry.grant import ANY, Grant
from cnbkit_engine.registry.server import PORT, Registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OWN = Grant(frozenset({"cnbkit/run"}), "own")


class Peer(NamedTuple):
    registry: Registry
    store: ImageStore

    def ask(self, header: str, method: str, path: str, body: bytes = b"", kind: str = "") -> int:
        connection = http.client.HTTPConnection(self.registry.address, PORT, timeout=30)
        headers = {"Authorization": header, "Content-Type": kind}
        connection.request(method, path, body, headers)
        status = connection.getresponse().status
        connection.close()
        return status


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Peer]:
    store = ImageStore(tmp_path / "images")
    for name in ("own", "cnbkit/run", "other"):
        store.put_blob(b"{}")
        store.put_manifest(f"{name}:latest", types.OCI_MANIFEST, _manifest())
    with Registry(store) as registry:
        yield Peer(registry, store)


def _manifest() -> bytes:
    kind = "application/vnd.oci.image.config.v1+json"
    digest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    config = {"mediaType": kind, "digest": digest, "size": 2}
    return json.dumps({"schemaVersion": 2, "config": config, "layers": []}).encode()


def test_nobody_is_let_in_before_and_after(peer: Peer) -> None:
    with peer.registry.admitted(OWN) as header:
        assert peer.ask(header, "GET", "/v2/own/manifests/latest") == 200
    assert peer.ask(header, "GET", "/v2/own/manifests/latest") == 401
    with peer.registry.admitted(OWN) as another:
        assert another != header
        assert peer.ask(header, "GET", "/v2/") == 401


def test_one_repository_is_written_and_the_base_is_only_read(peer: Peer) -> None:
    header = peer.registry.admit(OWN)
    before = peer.store.names()
    put = ("PUT", _manifest(), types.OCI_MANIFEST)
    for repository, reading, writing in (("own", 200, 201), ("cnbkit/run", 200, 403)):
        path = f"/v2/{repository}/manifests/latest"
        assert peer.ask(header, "GET", path) == reading
        assert peer.ask(header, put[0], path, put[1], put[2]) == writing
        uploaded = peer.ask(header, "POST", f"/v2/{repository}/blobs/uploads/")
        assert uploaded == (202 if writing == 201 else 403)
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        body, kind = (_manifest(), types.OCI_MANIFEST) if method == "PUT" else (b"", "")
        assert peer.ask(header, method, "/v2/other/manifests/latest", body, kind) == 403
    assert peer.ask(header, "DELETE", "/v2/cnbkit/run/manifests/latest") == 403
    assert peer.ask(header, "GET", "/v2/other/tags/list") == 403
    assert peer.store.names() == before


def test_another_spelling_is_not_another_repository(peer: Peer) -> None:
    header = peer.registry.admit(OWN)
    for path in (
        "/v2/own/../other/manifests/latest",
        "/v2/own%2f..%2fother/manifests/latest",
        "/v2//other/manifests/latest",
        "/v2/Other/manifests/latest",
        "/v2/%6fther/manifests/latest",
    ):
        assert peer.ask(header, "GET", path) in (403, 404)


def test_nothing_is_mounted_from_a_repository_that_may_not_be_read(peer: Peer) -> None:
    header = peer.registry.admit(OWN)
    mount = "/v2/own/blobs/uploads/?mount=sha256:" + "4" * 64
    assert peer.ask(header, "POST", f"{mount}&from=other") == 403
    assert peer.ask(header, "POST", f"{mount}&from=cnbkit/run") == 202


def test_reading_everything_is_writing_nothing(peer: Peer) -> None:
    header = peer.registry.admit(Grant(frozenset({ANY})))
    assert peer.ask(header, "GET", "/v2/other/manifests/latest") == 200
    assert peer.ask(header, "DELETE", "/v2/other/manifests/latest") == 403

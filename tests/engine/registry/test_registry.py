"""The registry over real connections: urllib, raw sockets, skopeo."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
import subprocess
import sys
import threading
from base64 import b64decode
from typing import TYPE_CHECKING, NamedTuple

import pytest

from cnbkit.errors import PlatformFault
from cnbkit_engine.oci import types
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.registry.grant import ANY, Grant
from cnbkit_engine.registry.server import PORT, Registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

CONFIG = b'{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}'


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def code(self) -> str:
        """The distribution specification's error code."""
        return str(json.loads(self.body)["errors"][0]["code"])


class Client:
    """One keep-alive connection."""

    def __init__(self, registry: Registry) -> None:
        self._connection = http.client.HTTPConnection(registry.address, PORT, timeout=30)
        self._authorization = registry.admit(Grant(writes=ANY))

    def __call__(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        **headers: str,
    ) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent.setdefault("Authorization", self._authorization)
        chunked = body is not None and not isinstance(body, bytes)
        if chunked:
            sent["Transfer-Encoding"] = "chunked"
        self._connection.request(method, path, body, sent, encode_chunked=chunked)
        response = self._connection.getresponse()
        return Answer(response.status, response.headers, response.read())

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images")


@pytest.fixture
def registry(store: ImageStore) -> Iterator[Registry]:
    with Registry(store) as registry:
        yield registry


@pytest.fixture
def client(registry: Registry) -> Iterator[Client]:
    client = Client(registry)
    yield client
    client.close()


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def manifest(*layers: bytes) -> bytes:
    kind = "application/vnd.oci.image.layer.v1.tar"
    entries = [{"mediaType": kind, "digest": digest_of(x), "size": len(x)} for x in layers]
    config = {
        "mediaType": "application/vnd.oci.image.config.v1+json",
        "digest": digest_of(CONFIG),
        "size": len(CONFIG),
    }
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": types.OCI_MANIFEST,
            "config": config,
            "layers": entries,
        }
    ).encode()


def test_it_answers_as_a_registry(client: Client) -> None:
    answer = client("GET", "/v2/")
    assert answer.status == 200
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


@pytest.mark.parametrize("given", ["", "Basic Y25ia2l0Og==", "Bearer x", "Basic \xff"])
def test_nobody_without_the_token_gets_in(client: Client, given: str) -> None:
    answer = client("GET", "/v2/", Authorization=given)
    assert (answer.status, answer.code) == (401, "UNAUTHORIZED")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_every_registry_has_its_own_address_and_token_and_the_same_host(
    store: ImageStore,
) -> None:
    with Registry(store) as first, Registry(store) as second:
        assert first.address != second.address
        header = first.admit(Grant(writes=ANY))
        assert header != second.admit(Grant(writes=ANY)) != first.admit(Grant(writes=ANY))
        assert first.host == second.host == "store.localhost:5095"
        client = Client(second)
        assert client("GET", "/v2/", Authorization=header).status == 401
        client.close()


def test_it_can_be_connected_to_before_it_serves(store: ImageStore) -> None:
    registry = Registry(store)
    with socket.create_connection((registry.address, PORT), timeout=30) as early:
        early.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        with registry:
            assert early.recv(100).startswith(b"HTTP/1.1 401 ")


def test_a_monolithic_upload_is_stored(client: Client, store: ImageStore) -> None:
    digest = digest_of(b"abc")
    answer = client("POST", f"/v2/demo/blobs/uploads/?digest={digest.replace(':', '%3A')}", b"abc")
    assert answer.status == 201
    assert answer.headers["Location"] == f"/v2/demo/blobs/{digest}"
    assert store.read_blob(digest) == b"abc"


def test_an_upload_in_chunks_of_unknown_length_is_stored(client: Client, store: ImageStore) -> None:
    pieces = [bytes([number]) * 700_000 for number in range(5)]
    data = b"".join(pieces)
    started = client("POST", "/v2/demo/blobs/uploads/", b"")
    assert started.status == 202
    sent = client("PATCH", started.headers["Location"], iter(pieces))
    assert sent.headers["Range"] == f"0-{len(data) - 1}"
    done = client("PUT", f"{sent.headers['Location']}?digest={digest_of(data)}", b"")
    assert done.status == 201
    assert done.headers["Docker-Content-Digest"] == digest_of(data)
    assert store.read_blob(digest_of(data)) == data


def test_an_upload_goes_on_only_where_it_stopped(client: Client) -> None:
    where = client("POST", "/v2/demo/blobs/uploads/", b"").headers["Location"]
    assert client("PATCH", where, b"abc", Content_Range="0-2").status == 202
    assert client("PATCH", where, b"abc", Content_Range="0-2").status == 416
    assert client("GET", where).headers["Range"] == "0-2"
    assert client("PATCH", where, b"def", Content_Range="3-5").status == 202
    digest = digest_of(b"abcdefghi")
    assert client("PUT", f"{where}?digest={digest}", b"ghi").status == 201
    assert client("GET", f"/v2/demo/blobs/{digest}").body == b"abcdefghi"


@pytest.mark.parametrize("digest", ["sha256:" + "0" * 64, "sha256:12", "", "sha256:../../x"])
def test_a_wrong_digest_is_refused_and_nothing_is_kept(
    client: Client, store: ImageStore, digest: str
) -> None:
    where = client("POST", "/v2/demo/blobs/uploads/", b"").headers["Location"]
    answer = client("PUT", f"{where}?digest={digest}", b"abc")
    assert (answer.status, answer.code) == (400, "DIGEST_INVALID")
    assert list((store.path / "blobs" / "sha256").iterdir()) == []
    assert client("PUT", f"{where}?digest={digest_of(b'abc')}", b"abc").code == (
        "BLOB_UPLOAD_UNKNOWN"
    )


def test_a_broken_off_upload_leaves_nothing(registry: Registry, store: ImageStore) -> None:
    client = Client(registry)
    where = client("POST", "/v2/demo/blobs/uploads/", b"").headers["Location"]
    head = f"PATCH {where} HTTP/1.1\r\nAuthorization: {registry.admit(Grant(writes=ANY))}\r\n"
    with socket.create_connection((registry.address, PORT), timeout=30) as peer:
        peer.sendall(f"{head}Content-Length: 1000\r\n\r\nonly this".encode())
        peer.shutdown(socket.SHUT_WR)
        assert peer.recv(1) == b"", "there is nothing to answer"
    assert client("GET", where).status == 404
    assert list((store.path / "blobs" / "sha256").iterdir()) == []
    client.close()


def test_uploads_nobody_finished_go_with_the_registry(store: ImageStore) -> None:
    with Registry(store) as registry:
        client = Client(registry)
        where = client("POST", "/v2/demo/blobs/uploads/", b"").headers["Location"]
        client("PATCH", where, b"abc")
        client.close()
    assert list((store.path / "blobs" / "sha256").iterdir()) == []


def test_a_client_may_end_its_upload(client: Client) -> None:
    where = client("POST", "/v2/demo/blobs/uploads/", b"").headers["Location"]
    assert client("DELETE", where).status == 204
    assert client("PATCH", where, b"abc").code == "BLOB_UPLOAD_UNKNOWN"


def test_a_mount_finds_every_repositorys_blobs(client: Client, store: ImageStore) -> None:
    digest = store.put_blob(b"abc")
    found = client("POST", f"/v2/new/blobs/uploads/?mount={digest}&from=old", b"")
    assert (found.status, found.headers["Location"]) == (201, f"/v2/new/blobs/{digest}")
    missing = client("POST", f"/v2/new/blobs/uploads/?mount={digest_of(b'x')}&from=old", b"")
    assert missing.status == 202


def test_an_offered_image_is_answered_with_until_it_is_withdrawn_and_is_no_image_of_the_store(
    registry: Registry, client: Client, store: ImageStore
) -> None:
    data = manifest(b"a layer that another registry has")
    digest = registry.offer("ready/one", types.OCI_MANIFEST, data)
    answer = client("GET", f"/v2/ready/one/manifests/{digest}")
    assert (answer.status, answer.body) == (200, data)
    assert answer.headers["Content-Type"] == types.OCI_MANIFEST
    assert answer.headers["Docker-Content-Digest"] == digest
    assert client("GET", f"/v2/ready/two/manifests/{digest}").status == 404
    assert client("GET", "/v2/ready/one/manifests/latest").status == 404
    assert store.names() == []

    registry.withdraw("ready/one")
    assert client("GET", f"/v2/ready/one/manifests/{digest}").status == 404


@pytest.mark.parametrize(
    ("wanted", "status", "body"),
    [
        ("bytes=0-3", 206, b"0123"),
        ("bytes=7-", 206, b"789"),
        ("bytes=-2", 206, b"89"),
        ("bytes=5-500", 206, b"56789"),
        ("bytes=10-", 416, b""),
        ("lines=1-2", 200, b"0123456789"),
    ],
)
def test_parts_of_a_blob_can_be_had(
    client: Client, store: ImageStore, wanted: str, status: int, body: bytes
) -> None:
    path = f"/v2/demo/blobs/{store.put_blob(b'0123456789')}"
    answer = client("GET", path, Range=wanted)
    assert (answer.status, answer.body) == (status, body)


def test_head_says_what_get_would_send(client: Client, store: ImageStore) -> None:
    digest = store.put_blob(b"0123456789")
    answer = client("HEAD", f"/v2/demo/blobs/{digest}")
    assert (answer.status, answer.headers["Content-Length"], answer.body) == (200, "10", b"")
    assert client("HEAD", f"/v2/demo/blobs/{digest_of(b'')}").status == 404
    assert client("GET", "/v2/").status == 200, "the connection is still in step"


def test_an_image_can_be_pushed_listed_pulled_and_deleted(
    client: Client, store: ImageStore
) -> None:
    store.put_blob(CONFIG)
    data = manifest()
    for tag in ("b", "a", "c"):
        put = client("PUT", f"/v2/team/demo/manifests/{tag}", data, Content_Type=types.OCI_MANIFEST)
        assert put.status == 201
    digest = put.headers["Docker-Content-Digest"]
    for reference in ("a", digest):
        got = client("GET", f"/v2/team/demo/manifests/{reference}")
        assert (got.body, got.headers["Content-Type"]) == (data, types.OCI_MANIFEST)
        head = client("HEAD", f"/v2/team/demo/manifests/{reference}")
        assert head.headers["Docker-Content-Digest"] == digest
    assert json.loads(client("GET", "/v2/team/demo/tags/list").body)["tags"] == ["a", "b", "c"]
    page = client("GET", "/v2/team/demo/tags/list?n=2")
    assert json.loads(page.body)["tags"] == ["a", "b"]
    assert "last=b" in page.headers["Link"]
    rest = client("GET", "/v2/team/demo/tags/list?n=2&last=b")
    assert json.loads(rest.body)["tags"] == ["c"]
    assert client("DELETE", "/v2/team/demo/manifests/a").status == 202
    gone = client("GET", "/v2/team/demo/manifests/a")
    assert (gone.status, gone.code) == (404, "MANIFEST_UNKNOWN")
    assert client("GET", "/v2/other/tags/list").code == "NAME_UNKNOWN"


def test_manifests_that_cannot_be_used_are_refused(client: Client, store: ImageStore) -> None:
    def put(data: bytes, kind: str = types.OCI_MANIFEST, reference: str = "v1") -> str:
        path = f"/v2/demo/manifests/{reference}"
        return client("PUT", path, data, Content_Type=kind).code

    assert put(manifest()) == "MANIFEST_BLOB_UNKNOWN"
    store.put_blob(CONFIG)
    assert put(manifest(b"never pushed")) == "MANIFEST_BLOB_UNKNOWN"
    assert put(manifest(), "text/html") == "MANIFEST_INVALID"
    assert put(manifest(), reference=digest_of(b"x")) == "DIGEST_INVALID"
    assert put(b" " * (5 << 20)) == "MANIFEST_INVALID"
    assert store.names() == []


@pytest.mark.parametrize(
    "path",
    ["/", "/v2/x", "/v2/../etc/passwd", "/v2/Demo/tags/list", "/v2/demo/blobs/%2e%2e%2findex.json"],
)
def test_other_paths_are_not_found(client: Client, path: str) -> None:
    assert client("GET", path).status == 404


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET /v2/ HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /v2/ HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"GET /" + b"x" * 70_000,
        b"GET / HTTP/1.1\r\n" + b"".join(b"h%d: x\r\n" % n for n in range(200)) + b"\r\n",
        b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_not_http_is_refused_and_the_registry_lives_on(
    registry: Registry, client: Client, request_: bytes
) -> None:
    with socket.create_connection((registry.address, PORT), timeout=30) as peer:
        peer.sendall(request_)
        peer.shutdown(socket.SHUT_WR)
        answer = peer.recv(1000)
    assert answer[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 401")
    assert client("GET", "/v2/").status == 200
    assert registry.fault is None


def test_a_client_that_waits_for_100_continue_is_told(registry: Registry) -> None:
    digest = digest_of(b"abc")
    head = (
        f"POST /v2/demo/blobs/uploads/?digest={digest} HTTP/1.1\r\n"
        f"Authorization: {registry.admit(Grant(writes=ANY))}\r\n"
        "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    )
    with socket.create_connection((registry.address, PORT), timeout=30) as peer:
        peer.sendall(head.encode())
        assert peer.recv(100).startswith(b"HTTP/1.1 100 ")
        peer.sendall(b"abc")
        assert peer.recv(1000).startswith(b"HTTP/1.1 201 ")


def test_clients_may_push_at_the_same_time(registry: Registry, store: ImageStore) -> None:
    blobs = [bytes([number]) * 3_000_000 for number in range(8)]
    statuses = []

    def push(data: bytes) -> None:
        client = Client(registry)
        path = f"/v2/demo/blobs/uploads/?digest={digest_of(data)}"
        statuses.append(client("POST", path, data).status)
        client.close()

    threads = [threading.Thread(target=push, args=(data,)) for data in blobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [201] * 8
    assert all(store.has_blob(digest_of(data)) for data in blobs)


def test_memory_stays_flat_for_a_large_layer(tmp_path: Path) -> None:
    program = (
        "import pathlib, subprocess, sys, hashlib\n"
        "from cnbkit_engine.oci.store import ImageStore\n"
        "from cnbkit_engine.registry.grant import Grant\n"
        "from cnbkit_engine.registry.server import Registry\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "with (folder / 'big').open('wb') as file: file.truncate(400 << 20)\n"
        "with (folder / 'big').open('rb') as file:\n"
        "    digest = hashlib.file_digest(file, 'sha256').hexdigest()\n"
        "with Registry(ImageStore(folder / 'images')) as registry:\n"
        "    base = f'http://{registry.address}:5095/v2/demo/blobs/'\n"
        "    head = f'Authorization: {registry.admit(Grant(writes=chr(42)))}'\n"
        "    for more in (['-T', folder / 'big', '-X', 'POST',\n"
        "                  f'{base}uploads?digest=sha256:{digest}'],\n"
        "                 ['-o', '/dev/null', f'{base}sha256:{digest}']):\n"
        "        subprocess.run(['curl', '-fsS', '-H', head, *more], check=True)\n"
        # Not getrusage: that counts what the forking test runner had in memory.
        "status = pathlib.Path('/proc/self/status').read_text()\n"
        "print(int(status.partition('VmHWM:')[2].split()[0]) // 1024)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(result.stdout) < 100, "MiB, of a 400 MiB layer"


def test_a_full_disk_is_told_to_the_client_and_remembered(tmp_path: Path) -> None:
    program = (
        "import pathlib, subprocess, sys\n"
        "from cnbkit_engine.oci.store import ImageStore\n"
        "from cnbkit_engine.registry.grant import Grant\n"
        "from cnbkit_engine.registry.server import Registry\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "with Registry(ImageStore(folder / 'images')) as registry:\n"
        "    command = ['curl', '-sS', '-w', '%{http_code}', '--data-binary', '@-', '-H',\n"
        "               f'Authorization: {registry.admit(Grant(writes=chr(42)))}',\n"
        "               '-H', 'Expect:',\n"
        "               f'http://{registry.address}:5095/v2/demo/blobs/uploads/'\n"
        "               f'?digest=sha256:{64 * chr(48)}']\n"
        "    subprocess.run(command, input=3_000_000 * b'x', check=True)\n"
        "    print()\n"
        "    print(registry.fault)\n"
    )
    script = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" -c "$3" "$1"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
    result = subprocess.run(
        [*command, str(tmp_path), sys.executable, program],
        capture_output=True,
        text=True,
        check=False,
    )
    answer, _, fault = result.stdout.partition("\n")
    assert answer.endswith("507"), result.stderr
    assert "the disk is full" in answer
    assert "to do: free space" in fault


def test_a_port_taken_on_every_address_is_a_platform_fault(store: ImageStore) -> None:
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PlatformFault, match="another program listens"):
            Registry(store, port)


def test_an_image_that_is_expected_is_kept_aside_and_needs_no_blobs_that_are_elsewhere(
    client: Client, registry: Registry, store: ImageStore
) -> None:
    elsewhere, here = b"elsewhere", b"here"
    registry.expect("going/out", {digest_of(elsewhere): 9})
    asked = client("HEAD", f"/v2/going/out/blobs/{digest_of(elsewhere)}")
    assert (asked.status, asked.headers["Content-Length"]) == (200, "9")
    # It is only said to be there.
    assert client("GET", f"/v2/going/out/blobs/{digest_of(elsewhere)}").status == 404
    assert client("HEAD", f"/v2/other/app/blobs/{digest_of(elsewhere)}").status == 404
    assert client("HEAD", f"/v2/going/out/blobs/{digest_of(here)}").status == 404

    data = manifest(elsewhere)
    kind = {"Content_Type": types.OCI_MANIFEST}
    sent = client("PUT", "/v2/going/out/manifests/latest", data, **kind)
    assert sent.status == 201
    assert sent.headers["Docker-Content-Digest"] == digest_of(data)
    assert registry.left("going/out") == data
    assert store.names() == []
    assert client("PUT", "/v2/other/app/manifests/latest", data, **kind).status == 404
    registry.forget_expected("going/out")
    assert client("PUT", "/v2/going/out/manifests/latest", data, **kind).status == 404
    assert client("HEAD", f"/v2/going/out/blobs/{digest_of(elsewhere)}").status == 404


def test_skopeo_pushes_and_pulls(registry: Registry, store: ImageStore, tmp_path: Path) -> None:
    store.put_blob(CONFIG)
    store.put_blob(b"")
    store.put_manifest("demo", types.OCI_MANIFEST, manifest())
    credentials = b64decode(registry.admit(Grant(writes=ANY)).removeprefix("Basic ")).decode()
    there = f"docker://{registry.address}:{PORT}"
    flags = ["--dest-tls-verify=false", "--dest-creds", credentials]
    push = ["skopeo", "copy", *flags, f"oci:{store.path}:demo:latest", f"{there}/copied:1"]
    subprocess.run(push, check=True, capture_output=True)
    flags = [flag.replace("--dest", "--src") for flag in flags]
    pull = ["skopeo", "copy", *flags, f"{there}/copied:1", f"dir:{tmp_path / 'out'}"]
    subprocess.run(pull, check=True, capture_output=True)
    assert (tmp_path / "out" / "manifest.json").read_bytes() == manifest()

"""Weights from a real server: fetched once, verified, linked; and everything that can go wrong."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnbkit import App, Buildpack, CnbkitError
from cnbkit_weights import Weights
from cnbkit_weights.address import Endpoints, locate
from cnbkit_weights.entries import read_entries
from cnbkit_weights.index import Index, Placed
from cnbkit_weights.signature import signed_headers

from ..http_server import HttpServer

if TYPE_CHECKING:
    import http.server
    from collections.abc import Callable, Iterator

    from cnbkit.testing import BuildpackRun, Result

    from .conftest import Phases, Unchanged

LARGE = bytes(range(256)) * 70_000
SMALL = b"a small one"
OTHER = b"another one"
HEAVY = {"re", "json", "tomllib", "typing", "pathlib", "urllib3", "pydantic", "subprocess", "enum"}


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Server(HttpServer):
    """Files by path; some behind a login, some elsewhere, some cut off once."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.moved: dict[str, str] = {}
        self.logins: dict[str, str] = {}
        self.cut: set[str] = set()
        self.seen: list[tuple[str, dict[str, str]]] = []
        super().__init__()

    def answer(self, to: http.server.BaseHTTPRequestHandler) -> None:
        self.seen.append((to.path, {name.lower(): value for name, value in to.headers.items()}))
        wanted = self.logins.get(to.path)
        status, body = 200, self.files.get(to.path, b"")
        if wanted is not None and to.headers.get("Authorization", "") != wanted:
            status, body = 401, b""
        elif to.path in self.moved:
            status, body = 302, b""
        elif to.path not in self.files:
            status, body = 404, b""
        start = int(to.headers.get("Range", "bytes=0-")[6:-1])
        to.send_response(206 if start else status)
        if start:
            to.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        to.send_header("Content-Length", str(len(body) - start))
        to.send_header("Location", self.moved.get(to.path, ""))
        to.end_headers()
        end = len(body) // 2 if to.path in self.cut else len(body)
        self.cut.discard(to.path)
        to.wfile.write(body[start:end])

    @property
    def paths(self) -> list[str]:
        found = [path for path, _ in self.seen]
        self.seen.clear()
        return found


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    made = Server()
    made.files = {"/large.bin": LARGE, "/small.txt": SMALL, "/other.txt": OTHER}
    yield made
    made.close()


def entry(uri: str, data: bytes, target: str, more: str = "") -> str:
    return f'[[weights]]\nuri = "{uri}"\nsha256 = "{sha(data)}"\ntarget = "{target}"\n{more}\n'


def target(result: Result, name: str) -> bytes:
    """What a link leads to; a re-used layer is that of an earlier build."""
    link = result.app / name
    assert link.is_symlink()
    layer, file = Path(link.readlink()).parts[-2:]
    return (result.layer(layer).path / file).read_bytes()


def layers(result: Result) -> dict[str, str]:
    return {name: result.layer(name).state for name in result.layers}


def fault_of(result: Result) -> str:
    assert result.code == 65, (result.code, result.log)
    return str(result.fault)


def test_only_the_file_makes_it_join_and_no_python_is_started_for_that(phases: Phases) -> None:
    assert phases.detect(Weights()).code == 100
    phases.write("weights.toml", "")
    assert phases.detect(Weights()).code == 0
    assert Weights.detect is Buildpack.detect


def test_each_large_file_has_a_layer_small_ones_share_one_and_nothing_is_fetched_twice(
    buildpack_run: BuildpackRun,
    server: Server,
    unchanged_build: Callable[[type[Buildpack], Result], Unchanged],
) -> None:
    text = entry(f"{server.url}/large.bin", LARGE, "models/large.bin")
    text += entry(f"{server.url}/small.txt", SMALL, "models/a b/small.txt")
    server.cut = {"/large.bin"}
    large = f"file-{sha(LARGE)[:16]}"

    first = buildpack_run(Weights, app={"weights.toml": text})
    assert first.code == 0, first.log
    assert target(first, "models/large.bin") == LARGE
    assert target(first, "models/a b/small.txt") == SMALL
    assert layers(first) == {large: "rebuild", "index": "rebuild", "pack": "rebuild"}
    assert first.layer(large).types == {"launch"}
    assert (first.layer(large).path / sha(LARGE)).stat().st_mode & 0o777 == 0o644
    # What broke off was continued.
    assert [h.get("range") for path, h in server.seen if path == "/large.bin"][1:] == [
        f"bytes={len(LARGE) // 2}-"
    ]
    assert sha(LARGE) in str(first.sbom(large)["cdx.json"])
    server.seen.clear()

    again = first.rebuild()
    assert layers(again) == {large: "reuse", "index": "keep", "pack": "reuse"}
    assert "weights.toml: 2 files as in the previous image" in again.log
    assert target(again, "models/large.bin") == LARGE
    unchanged = unchanged_build(Weights, first)
    assert "2 files as in the previous image" in unchanged.log
    assert not HEAVY & unchanged.imported
    assert server.paths == []

    # Without the cache it is read again, and still nothing is fetched.
    forgotten = first.rebuild(cache=False)
    assert layers(forgotten) == {large: "reuse", "index": "rebuild", "pack": "reuse"}
    # Another name, another address: the same file.
    moved = text.replace("models/large.bin", "models/l.bin").replace("/large.bin", "/gone.bin")
    renamed = forgotten.rebuild(app={"weights.toml": moved})
    assert layers(renamed)[large] == "reuse"
    assert target(renamed, "models/l.bin") == LARGE
    assert server.paths == []

    # A small one changed: the large one is left alone.
    changed = first.rebuild(
        app={"weights.toml": text.replace("small.txt", "other.txt").replace(sha(SMALL), sha(OTHER))}
    )
    assert layers(changed) == {large: "reuse", "index": "keep", "pack": "rebuild"}
    assert server.paths == ["/other.txt"]
    assert f"weights.toml: files changed: -{sha(SMALL)[:12]} +{sha(OTHER)[:12]}" in changed.log
    # The image is gone: from the beginning, whatever the cache knows.
    gone = first.rebuild(image=False)
    assert layers(gone) == {large: "rebuild", "index": "keep", "pack": "rebuild"}
    assert sorted(server.paths) == ["/large.bin", "/small.txt"]


def test_declared_sizes_say_the_layer_and_have_to_be_right(
    buildpack_run: BuildpackRun, server: Server
) -> None:
    text = entry(f"{server.url}/small.txt", SMALL, "a", "size = 11")
    assert "pack" in layers(buildpack_run(Weights, app={"weights.toml": text}))
    wrong = text.replace("size = 11", "size = 12")
    fault = fault_of(buildpack_run(Weights, app={"weights.toml": wrong}))
    assert "weights.toml: a has 11 bytes, not 12" in fault
    assert "where: weights.toml:1" in fault


def test_one_file_for_two_targets_is_there_once(
    buildpack_run: BuildpackRun, server: Server
) -> None:
    uri = f"{server.url}/small.txt"
    text = entry(uri, SMALL, "a/x.txt") + entry(uri, SMALL, "b/x.txt")
    result = buildpack_run(Weights, app={"weights.toml": text})
    assert target(result, "a/x.txt") == target(result, "b/x.txt") == SMALL
    assert (result.app / "a/x.txt").readlink() == (result.app / "b/x.txt").readlink()
    assert server.paths == ["/small.txt"]


def test_kept_in_the_cache_the_files_are_there_while_building(
    buildpack_run: BuildpackRun, server: Server
) -> None:
    text = entry(f"{server.url}/small.txt", SMALL, "a")
    env = {"BP_WEIGHTS_CACHE": "true"}
    first = buildpack_run(Weights, app={"weights.toml": text}, env=env)
    assert first.layer("pack").types == {"launch", "cache"}
    again = first.rebuild()
    assert layers(again) == {"index": "keep", "pack": "keep"}
    assert (again.app / "a").read_bytes() == SMALL
    assert server.paths == ["/small.txt"]
    off = again.rebuild(env={"BP_WEIGHTS_CACHE": None})
    assert off.layer("pack").types == {"launch"}


def test_a_file_that_is_in_the_app_already_is_taken_out_of_it(
    buildpack_run: BuildpackRun, server: Server
) -> None:
    text = entry("https://127.0.0.1:9/a", SMALL, "m/a") + entry(
        f"{server.url}/other.txt", OTHER, "m/b"
    )
    app: dict[str, str | bytes | None] = {
        "weights.toml": text,
        "m/a": SMALL,
        "m/b": f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha(OTHER)}\nsize 11\n",
    }
    result = buildpack_run(Weights, app=app)
    assert (target(result, "m/a"), target(result, "m/b")) == (SMALL, OTHER)
    assert server.paths == ["/other.txt"]
    again = result.rebuild()
    assert target(again, "m/a") == SMALL
    assert layers(again) == {"index": "keep", "pack": "reuse"}
    # Whoever changes it has to say so.
    fault = fault_of(result.rebuild(app={"m/a": b"new"}))
    assert f"m/a is in the app, too, as another file: its SHA-256 is {sha(b'new')}" in fault
    assert "where: weights.toml:1" in fault


def test_what_is_in_the_way_of_targets_is_told_at_once(
    buildpack_run: BuildpackRun, server: Server, tmp_path: Path
) -> None:
    app = tmp_path / "source"
    (app / "folder").mkdir(parents=True)
    (app / "file").write_text("x")
    (app / "out").symlink_to("/usr")
    (app / "pointer").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    (app / "dead").symlink_to("/nowhere/cache/ab")
    targets = ("folder", "file/x", "out/x", "pointer", "dead")
    uri = f"{server.url}/small.txt"
    (app / "weights.toml").write_text("".join(entry(uri, SMALL, each) for each in targets))
    fault = fault_of(buildpack_run(Weights, app=app))
    for line in (
        "weights.toml:1: folder is a folder of the app",
        "weights.toml:6: file/x: file is a file of the app, not a folder",
        "weights.toml:11: out/x: the link out leads out of the app",
        "weights.toml:16: pointer in the app is Git LFS's pointer to another file",
    ):
        assert line in fault
    assert "dead" not in fault


def test_the_hub_is_asked_for_the_revision_with_the_token_which_no_other_host_sees(
    buildpack_run: BuildpackRun, server: Server
) -> None:
    asked = "/org/name/resolve/refs%2Fpr%2F1/sub/model%20a.bin"
    elsewhere = server.url.replace("127.0.0.1", "localhost")
    server.moved[asked] = f"{elsewhere}/small.txt"
    server.logins[asked] = "Bearer hf_geheim"
    text = entry("hf://org/name@refs%2Fpr%2F1/sub/model a.bin", SMALL, "m")
    env = {"HF_ENDPOINT": server.url}
    refused = fault_of(buildpack_run(Weights, app={"weights.toml": text}, env=env))
    assert "hf://org/name@refs%2Fpr%2F1/sub/model a.bin: HTTP status 401" in refused
    assert "give the build a binding of type huggingface with token" in refused
    server.seen.clear()

    bindings = {"hub": {"type": "huggingface", "token": "hf_geheim\n"}}
    result = buildpack_run(Weights, app={"weights.toml": text}, env=env, bindings=bindings)
    assert target(result, "m") == SMALL
    assert "geheim" not in result.log
    assert [(path, h.get("authorization")) for path, h in server.seen] == [
        (asked, "Bearer hf_geheim"),
        ("/small.txt", None),
    ]
    assert "pkg:huggingface/org/name@refs/pr/1?" in str(result.sbom("pack")["cdx.json"])
    wrong = {"hub": {"type": "huggingface", "token": "hf_other"}}
    fault = fault_of(buildpack_run(Weights, app={"weights.toml": text}, env=env, bindings=wrong))
    assert "let what the binding hub holds read m" in fault
    assert "accept the model's conditions" in fault
    assert "hf_other" not in fault


def test_s3_requests_are_signed_and_go_where_the_binding_says(
    buildpack_run: BuildpackRun, server: Server
) -> None:
    server.files["/models/a%20b/w.bin"] = SMALL
    text = entry("s3://models/a b/w.bin", SMALL, "w.bin")
    bindings = {
        "store": {
            "type": "s3",
            "endpoint": server.url,
            "bucket": "models",
            "region": "eu-west-1",
            "access-key-id": "AKIAEXAMPLE",
            "secret-access-key": "geheimgeheim",
            "session-token": "fluechtig",
        },
        "another": {"type": "s3", "bucket": "others", "access-key-id": "x"},
    }
    result = buildpack_run(Weights, app={"weights.toml": text}, bindings=bindings)
    assert target(result, "w.bin") == SMALL
    [(path, headers)] = server.seen
    assert path == "/models/a%20b/w.bin"
    assert headers["x-amz-security-token"] == "fluechtig"
    when = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    expected = signed_headers(
        f"{server.url}{path}",
        key_id="AKIAEXAMPLE",
        secret="geheimgeheim",
        region="eu-west-1",
        now=when,
        token="fluechtig",
    )
    assert headers["authorization"] == expected["Authorization"]


def test_a_signature_is_the_one_amazon_documents() -> None:
    # Amazon S3 API Reference, "Signature Calculations: Transferring Payload in a Single Chunk".
    headers = signed_headers(
        "https://examplebucket.s3.amazonaws.com/?lifecycle",
        key_id="AKIAIOSFODNN7EXAMPLE",
        secret="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        region="us-east-1",
        now=datetime(2013, 5, 24, tzinfo=UTC),
    )
    assert headers["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
        "Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
    )


def test_logins_for_other_addresses_and_google_s_storage(
    buildpack_run: BuildpackRun, server: Server
) -> None:
    server.files |= {"/bucket/o.bin": OTHER, "/private/s.bin": SMALL}
    server.logins = {
        "/bucket/o.bin": "Bearer ya29.geheim",
        "/private/s.bin": "Basic YW5uOmdlaGVpbQ==",
    }
    text = entry("gs://bucket/o.bin", OTHER, "o") + entry(f"{server.url}/private/s.bin", SMALL, "s")
    bindings = {
        "google": {"type": "gcs", "token": "ya29.geheim"},
        "a": {"type": "weights", "url": f"{server.url}/priv", "token": "wrong"},
        "site": {
            "type": "weights",
            "url": f"{server.url}/private/",
            "username": "ann",
            "password": "geheim",
        },
    }
    env = {"BP_WEIGHTS_GS_ENDPOINT": server.url}
    result = buildpack_run(Weights, app={"weights.toml": text}, env=env, bindings=bindings)
    assert (target(result, "o"), target(result, "s")) == (OTHER, SMALL)
    assert "geheim" not in result.log


def test_everything_that_cannot_be_fetched_is_told_at_once_with_what_to_do(
    buildpack_run: BuildpackRun, server: Server
) -> None:
    server.logins["/small.txt"] = "Bearer x"
    text = (
        entry(f"{server.url}/gone.bin?sig=geheim", LARGE, "a")
        + entry(f"{server.url}/other.txt", LARGE[:5], "b")
        + entry(f"{server.url}/small.txt", SMALL, "c")
        + entry("file:///nowhere/x", OTHER, "d")
    )
    fault = fault_of(buildpack_run(Weights, app={"weights.toml": text}))
    for line in (
        f"weights.toml:1: {server.url}/gone.bin: HTTP status 404",
        f"weights.toml:6: {server.url}/other.txt: it is not the file it should be: its SHA-256 is",
        f"weights.toml:11: {server.url}/small.txt: HTTP status 401",
        "weights.toml:16: file:///nowhere/x: No such file or directory",
        "correct the uri",
        "a binding of type weights with url, and token or username and password",
        "--volume FOLDER:/target",
    ):
        assert line in fault
    assert "geheim" not in fault


def test_a_file_on_a_volume_is_copied(buildpack_run: BuildpackRun, tmp_path: Path) -> None:
    (tmp_path / "w 1.bin").write_bytes(SMALL)
    text = entry(f"file://{tmp_path}/w%201.bin", SMALL, "w")
    assert target(buildpack_run(Weights, app={"weights.toml": text}), "w") == SMALL
    assert (tmp_path / "w 1.bin").read_bytes() == SMALL


def test_every_fault_of_the_file_is_told_with_its_line(buildpack_run: BuildpackRun) -> None:
    good = f'sha256 = "{"0" * 64}"\n'
    text = (
        'wieghts = 1\n[[weights]]\nuri = "hf://x/y/z"\nsha256 = "12"\ntarget = "a"\n'
        f'[[weights]]  # two\nurl = "x"\n{good}target = "../a"\nsize = -1\n'
        f'[[weights]]\nuri = "https://x/y"\n{good}target = "/etc/a"\n'
        f'[[weights]]\nuri = "https://x/y"\n{good}target = "ok"\n'
        f'[[weights]]\nuri = "https://x/y"\n{good}target = "./ok"\n'
        f'[[weights]]\nuri = "https://x/y"\n{good}target = "ok/below"\n'
        f'[[weights]]\nuri = "https://x/y"\n{good}target = "weights.toml"\n'
        f'[[weights]]\nuri = 5\n{good}target = "folder/"\n'
    )
    result = buildpack_run(Weights, app={"weights.toml": text})
    fault, app = fault_of(result), result.app
    for line in (
        "weights.toml:1: 'wieghts' means nothing here",
        "weights.toml:2: name the revision: hf://org/name@<commit>/path",
        "weights.toml:2: sha256 is '12', not 64 hexadecimal digits",
        "weights.toml:6: 'url' is not one of uri, sha256, target, size",
        "weights.toml:6: uri is missing",
        "weights.toml:6: size is not a number of bytes",
        "weights.toml:6: target '../a' leads out of the app",
        f"weights.toml:11: target '/etc/a' is not in the app: a build writes only below {app}",
        "weights.toml:19: target 'ok' is that of line 15, too",
        "weights.toml:23: target 'ok/below' is below 'ok', a file",
        "weights.toml:27: target 'weights.toml' is this file itself",
        "weights.toml:31: uri is not text",
        "weights.toml:31: target 'folder/' is a folder: give the file's name as well",
    ):
        assert line in fault


@pytest.mark.parametrize(
    ("uri", "what"),
    [
        ("x", "begins with none of https://"),
        ("ftp://x/y", "begins with none of"),
        ("https:///y", "names no host"),
        ("https://x/", "names no file"),
        ("https://[x/y", "Invalid IPv6 URL"),
        ("https://x:99999/y", "Port out of range"),
        ("https://me:geheim@x/y", "holds a login: give it in a binding of type weights"),
        ("hf://org/name/file", "name the revision"),
        ("hf://a/b/c@1/file", "hf://org/name@<commit>/path"),
        ("hf://org/name@1", "hf://org/name@<commit>/path"),
        ("hf://org/name@1/../x", "`.` or `..`"),
        ("s3://bucket", "s3://bucket/path"),
        ("gs://b?c/x", "gs://bucket/path"),
        ("file://x/y", "a whole path"),
    ],
)
def test_an_address_that_is_none_is_explained(uri: str, what: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        locate(uri, Endpoints())
    assert what in str(caught.value)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "url"),
    [
        ("https://x:8/y%20z?a=b#c", "https://x:8/y%20z?a=b"),
        ("hf://gpt2@main/config.json", "https://huggingface.co/gpt2/resolve/main/config.json"),
        (
            "hf://datasets/o/d@1/a b",
            "https://huggingface.co/datasets/o/d/resolve/1/a%20b",
        ),
        ("s3://b/k/é", "https://b.s3.eu-north-1.amazonaws.com/k/%C3%A9"),
        ("s3://b.c/k?versionId=x/", "https://s3.eu-north-1.amazonaws.com/b.c/k?versionId=x%2F"),
        ("gs://b/o+1", "https://storage.googleapis.com/b/o%2B1"),
        ("file:///a/b%20c", "file:///a/b c"),
    ],
)
def test_services_have_plain_addresses(uri: str, url: str) -> None:
    assert locate(uri, Endpoints(region="eu-north-1")).url == url


def test_credentials_do_not_travel_in_the_open(buildpack_run: BuildpackRun) -> None:
    text = entry("http://example.com/x", SMALL, "x")
    bindings = {"site": {"type": "weights", "url": "http://example.com/", "token": "geheim"}}
    fault = fault_of(buildpack_run(Weights, app={"weights.toml": text}, bindings=bindings))
    assert "credentials are sent over https:// only" in fault


@pytest.mark.parametrize("endpoint", ["hub.example.com", "https://me:geheim@hub.example.com"])
def test_a_service_s_address_is_a_plain_one(buildpack_run: BuildpackRun, endpoint: str) -> None:
    text = entry("hf://a/b@1/c", SMALL, "x")
    env = {"BP_WEIGHTS_HF_ENDPOINT": endpoint}
    result = buildpack_run(Weights, app={"weights.toml": text}, env=env)
    assert "the service's address" in fault_of(result)
    assert "geheim" not in result.log


TABLES = st.dictionaries(
    st.sampled_from(["uri", "sha256", "target", "size", "x"]),
    st.one_of(
        st.text(max_size=12),
        st.integers(),
        st.sampled_from(
            [
                "f" * 64,
                "a",
                "a/b",
                "hf://a/b@1/c",
                "s3://b/k",
                "gs://b/k",
                "https://h/p",
                "file:///",
            ]
        ),
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=200),
        st.builds(
            lambda value: tomli_w.dumps({"weights": value}).encode(errors="replace"),
            st.one_of(st.lists(TABLES, max_size=3), st.integers(), st.text(max_size=5)),
        ),
        st.builds(
            lambda a, b: b"[[weights]]\n" + a + b'\nuri = "hf://' + b, st.binary(), st.binary()
        ),
    )
)
def test_whatever_the_file_holds_there_is_an_answer(phases: Phases, data: bytes) -> None:
    class Context:
        app = App(str(phases.app))

    phases.write("weights.toml", data)
    fault = None
    try:
        entries = read_entries(Context(), "weights.toml")  # type: ignore[arg-type]
    except CnbkitError as error:
        fault, entries = error, []
    assert fault is None or (fault.exit_code == 65 and "weights.toml" in str(fault))
    for each in entries:
        assert ".." not in each.target.split("/")
        assert not each.target.startswith("/")
        assert "://" in locate(each.uri, Endpoints()).url


@given(st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1), max_size=4))
def test_an_index_is_read_as_it_was_written_and_a_damaged_one_not_at_all(
    tmp_path_factory: pytest.TempPathFactory, targets: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("index")
    files = [Placed("0" * 64, "pack", at, f"{name} x") for at, name in enumerate(targets)]
    Index("d", files).write(str(folder))
    read = Index.read(str(folder))
    assert read.digest == "d"
    assert [(e.sha256, e.layer, e.line, e.target) for e in read.files] == [
        (e.sha256, e.layer, e.line, e.target) for e in files
    ]
    (folder / "index").write_bytes((folder / "index").read_bytes()[:-2])
    assert Index.read(str(folder)).digest == ""

"""The image store on a real disk, read by real tools."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import PlatformFault, UserFault
from cnbkit_engine.oci import types
from cnbkit_engine.oci.export import export_docker_archive, export_layout, export_oci_archive
from cnbkit_engine.oci.store import DigestMismatch, ImageStore, StoreFull, UnknownBlob, UnknownImage

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images")


def put_image(store: ImageStore, name: str, content: str = "hello") -> str:
    """An image of one layer with one file; returns the layer's digest."""
    layer = store.path.parent / f"{content}.tar"
    file = store.path.parent / content
    file.write_text(content)
    with tarfile.open(layer, "w") as archive:
        archive.add(file, "file")
    data = layer.read_bytes()
    digest = store.put_blob(data)
    config = json.dumps(
        {
            "os": "linux",
            "architecture": "amd64",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest]},
        }
    ).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": types.OCI_MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": store.put_blob(config),
            "size": len(config),
        },
        "layers": [
            {
                "mediaType": "application/vnd.oci.image.layer.v1.tar",
                "digest": digest,
                "size": len(data),
            }
        ],
    }
    store.put_manifest(name, types.OCI_MANIFEST, json.dumps(manifest).encode())
    return digest


def files_of(store: ImageStore) -> set[str]:
    return {path.name for path in (store.path / "blobs" / "sha256").iterdir()}


def age(store: ImageStore) -> None:
    """Make every blob as old as if the last build had been yesterday."""
    for path in (store.path / "blobs" / "sha256").iterdir():
        os.utime(path, (time.time() - 86400,) * 2)


def test_a_blob_is_found_under_the_digest_of_its_bytes(store: ImageStore) -> None:
    digest = store.put_blob(b"abc")
    assert digest == f"sha256:{hashlib.sha256(b'abc').hexdigest()}"
    assert store.has_blob(digest)
    assert store.read_blob(digest) == b"abc"


def test_a_wrong_digest_leaves_nothing_behind(store: ImageStore) -> None:
    wrong = "sha256:" + "0" * 64
    with store.open_blob() as blob:
        blob.write(b"abc")
        with pytest.raises(DigestMismatch):
            blob.commit(wrong)
    assert files_of(store) == set()


def test_an_interrupted_upload_leaves_nothing_behind(store: ImageStore) -> None:
    with suppress(RuntimeError), store.open_blob() as blob:
        blob.write(b"abc")
        raise RuntimeError
    assert files_of(store) == set()


def test_a_killed_writer_leaves_a_store_that_works_and_prune_removes_its_rest(
    store: ImageStore,
) -> None:
    put_image(store, "demo")
    program = (
        "import os, sys, pathlib\n"
        "from cnbkit_engine.oci.store import ImageStore\n"
        "blob = ImageStore(pathlib.Path(sys.argv[1])).open_blob()\n"
        "blob.write(b'half a layer')\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program, store.path], check=False)
    rest = {name for name in files_of(store) if name.startswith(".upload-")}
    assert len(rest) == 1
    assert store.names() == ["demo:latest"]
    assert store.prune() == 0, "it might be in progress"
    age(store)
    assert store.prune() == len(b"half a layer")
    assert store.names() == ["demo:latest"]


@pytest.mark.parametrize("digest", ["sha256:../../../etc/passwd", "sha256:abc", "md5:x", ""])
def test_what_is_no_digest_never_becomes_a_path(store: ImageStore, digest: str) -> None:
    with pytest.raises(PlatformFault, match="digest"):
        store.blob_path(digest)


def test_a_damaged_blob_is_noticed_on_reading(store: ImageStore) -> None:
    digest = store.put_blob(b"abc")
    store.blob_path(digest).chmod(0o600)
    store.blob_path(digest).write_bytes(b"abd")
    with pytest.raises(DigestMismatch):
        store.read_blob(digest)


def test_a_name_without_tag_means_latest(store: ImageStore) -> None:
    put_image(store, "team/demo")
    assert store.names() == ["team/demo:latest"]
    assert store.resolve("team/demo") == store.resolve("team/demo:latest")


def test_an_image_is_found_by_digest_under_any_repository(store: ImageStore) -> None:
    put_image(store, "demo")
    found = store.resolve("demo")
    assert store.resolve(f"other@{found.digest}") == found


@pytest.mark.parametrize("name", ["", "UPPER", "a b", "demo:", "../demo", "demo@sha256:12"])
def test_what_is_no_image_name_is_the_users_fault(store: ImageStore, name: str) -> None:
    with pytest.raises(UserFault):
        store.resolve(name)


def test_an_unknown_image_lists_those_there_are(store: ImageStore) -> None:
    put_image(store, "demo")
    with pytest.raises(UnknownImage, match="nope") as caught:
        store.resolve("nope")
    assert "demo:latest" in str(caught.value)


def test_a_manifest_whose_layer_is_missing_is_refused(store: ImageStore) -> None:
    store.blob_path(put_image(store, "first")).unlink()
    manifest = store.read_blob(store.resolve("first").digest)
    with pytest.raises(UnknownBlob):
        store.put_manifest("second", types.OCI_MANIFEST, manifest)
    assert store.names() == ["first:latest"]


@pytest.mark.parametrize("data", [b"no json", b"[]", b"{}", b'{"config": 1, "layers": [2]}'])
def test_a_manifest_that_is_none_is_refused(store: ImageStore, data: bytes) -> None:
    with pytest.raises(PlatformFault):
        store.put_manifest("demo", types.OCI_MANIFEST, data)
    assert store.names() == []


def test_prune_keeps_what_images_refer_to_and_what_a_build_just_asked_for(
    store: ImageStore,
) -> None:
    kept = put_image(store, "demo")
    claimed, unused = store.put_blob(b"claimed"), store.put_blob(b"unused")
    age(store)
    store.has_blob(claimed)
    assert store.prune() == len(b"unused")
    assert store.has_blob(kept)
    assert store.has_blob(claimed)
    assert not store.has_blob(unused)


def test_layers_of_a_moved_name_are_spared_for_builds_that_reuse_them(store: ImageStore) -> None:
    old = put_image(store, "demo", "old")
    age(store)
    put_image(store, "demo", "new")
    store.prune()
    assert store.has_blob(old)
    age(store)
    store.prune()
    assert not store.has_blob(old)


def test_a_removed_image_goes_at_the_next_prune_after_its_grace(store: ImageStore) -> None:
    layer = put_image(store, "demo")
    store.remove("demo")
    assert store.names() == []
    with pytest.raises(UnknownImage):
        store.remove("demo")
    age(store)
    store.prune()
    assert not store.has_blob(layer)


def test_an_index_keeps_its_platforms_and_lets_them_go_with_it(store: ImageStore) -> None:
    layer = put_image(store, "work")
    part = store.resolve("work")
    store.put_manifest(f"demo@{part.digest}", part.media_type, store.read_blob(part.digest))
    store.remove("work")
    platform = {"os": "linux", "architecture": "amd64"}
    entry = {"mediaType": part.media_type, "digest": part.digest, "size": part.size}
    index = {"schemaVersion": 2, "manifests": [{**entry, "platform": platform}]}
    store.put_manifest("demo", types.OCI_INDEX, json.dumps(index).encode())
    assert store.names() == ["demo:latest"]
    assert store.resolve(f"demo@{part.digest}").digest == part.digest
    age(store)
    store.prune()
    assert store.has_blob(layer)
    store.remove("demo")
    age(store)
    store.prune()
    assert not store.has_blob(layer)


def test_concurrent_processes_lose_no_name(store: ImageStore) -> None:
    layer = put_image(store, "demo")
    program = (
        "import sys, pathlib\n"
        "from cnbkit_engine.oci.store import ImageStore\n"
        "store = ImageStore(pathlib.Path(sys.argv[1]))\n"
        "found = store.resolve('demo')\n"
        "data = store.read_blob(found.digest)\n"
        "for number in range(20):\n"
        "    store.put_manifest(f'{sys.argv[2]}:{number}', found.media_type, data)\n"
        "    store.put_blob(b'the same everywhere')\n"
        "    store.prune()\n"
    )
    workers = [
        subprocess.Popen([sys.executable, "-c", program, store.path, f"w{number}"])
        for number in range(4)
    ]
    assert [worker.wait() for worker in workers] == [0, 0, 0, 0]
    assert len(store.names()) == 1 + 4 * 20
    assert store.has_blob(layer)
    assert not [name for name in files_of(store) if name.startswith(".upload-")]


def test_threads_may_write_the_same_blob_at_once(store: ImageStore) -> None:
    data = b"x" * 5_000_000
    threads = [threading.Thread(target=store.put_blob, args=(data,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert files_of(store) == {hashlib.sha256(data).hexdigest()}


def test_a_full_disk_is_named_and_leaves_no_rest(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys\n"
        "from cnbkit_engine.oci.store import ImageStore, StoreFull\n"
        "store = ImageStore(pathlib.Path(sys.argv[1]) / 'images')\n"
        "try:\n"
        "    store.put_blob(b'x' * 3_000_000)\n"
        "except StoreFull as fault:\n"
        "    assert 'CNBKIT_HOME' in str(fault)\n"
        "    assert not list((store.path / 'blobs/sha256').iterdir())\n"
        "    print(type(fault).__name__)\n"
    )
    script = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" -c "$3" "$1"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
    result = subprocess.run(
        [*command, str(tmp_path), sys.executable, program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout.strip() == StoreFull.__name__, result.stderr


def test_skopeo_reads_the_store_as_an_oci_layout(store: ImageStore) -> None:
    put_image(store, "team/demo:v1", "one")
    put_image(store, "team/demo:v2", "two")
    for tag in ("v1", "v2"):
        source = f"oci:{store.path}:team/demo:{tag}"
        target = f"dir:{store.path.parent / tag}"
        subprocess.run(["skopeo", "copy", source, target], check=True, capture_output=True)


def test_an_exported_layout_holds_just_the_image_and_costs_no_space(store: ImageStore) -> None:
    layer = put_image(store, "demo:v1", "one")
    put_image(store, "demo:v2", "two")
    target = store.path.parent / "out"
    export_layout(store, "demo:v1", target)
    blob = target / "blobs" / "sha256" / layer.removeprefix("sha256:")
    assert blob.samefile(store.blob_path(layer))
    assert len(list(blob.parent.iterdir())) == 3
    command = ["skopeo", "inspect", "--raw", f"oci:{target}:v1"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    assert raw == store.read_blob(store.resolve("demo:v1").digest)


def test_an_export_replaces_a_layout_but_nothing_else(store: ImageStore) -> None:
    put_image(store, "demo")
    target = store.path.parent / "out"
    export_layout(store, "demo", target)
    export_layout(store, "demo", target)
    assert ImageStore(target).names() == ["latest"]
    mine = store.path.parent / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("years of work")
    with pytest.raises(UserFault, match="taken"):
        export_layout(store, "demo", mine)
    assert (mine / "thesis.tex").exists()
    left = {path.name for path in store.path.parent.iterdir() if path.name.startswith(".ws-")}
    assert left == set()


@pytest.mark.parametrize("form", ["docker-archive", "oci-archive"])
def test_skopeo_reads_exported_archives(store: ImageStore, form: str) -> None:
    put_image(store, "team/demo:v1")
    path = store.path.parent / "image.tar"
    if form == "docker-archive":
        export_docker_archive(store, "team/demo:v1", path)
    else:
        export_oci_archive(store, "team/demo:v1", path)
    command = ["skopeo", "copy", f"{form}:{path}", f"dir:{store.path.parent / 'out'}"]
    subprocess.run(command, check=True, capture_output=True)
    again = path.read_bytes()
    if form == "docker-archive":
        export_docker_archive(store, "team/demo:v1", path)
    else:
        export_oci_archive(store, "team/demo:v1", path)
    assert path.read_bytes() == again, "the same image gives the same archive"


def test_others_of_the_machine_cannot_enter_it_one_of_an_older_cnbkit_either(
    store: ImageStore,
) -> None:
    store.put_blob(b"an app")
    assert store.path.stat().st_mode & 0o777 == 0o700
    store.path.chmod(0o755)
    put_image(store, "demo")
    assert store.path.stat().st_mode & 0o777 == 0o700

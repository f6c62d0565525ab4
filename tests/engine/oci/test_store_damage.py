"""A damaged store: what is torn, missing or foreign is noticed on use, put aside and made again."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import PlatformFault
from cnbkit_engine.build.doctor import Doctor
from cnbkit_engine.oci import types
from cnbkit_engine.oci.export import export_docker_archive
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.store import DigestMismatch, ImageStore, UnknownBlob, UnknownImage
from cnbkit_engine.oci.unpacked import ensure_layer
from cnbkit_engine.registry.server import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnbkit_engine.state.home import Home

    from ..conftest import MakeImage, MakeTar


def tear(path: Path) -> None:
    """As a power cut leaves it: the name is there, half of the bytes are not."""
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(data[: len(data) // 2])


def empty(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(b"")


def flip(path: Path) -> None:
    """As a failing disk gives it: of the right size."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)


def remove(path: Path) -> None:
    path.unlink()


@pytest.fixture
def store(home: Home) -> ImageStore:
    return ImageStore(home.images)


@pytest.fixture
def image(make_image: MakeImage, make_tar: MakeTar, store: ImageStore) -> Image:
    make_image("demo", [make_tar({"one": os.urandom(2000)}), make_tar({"two": os.urandom(2000)})])
    return Image.from_store(store, "demo")


def part(image: Image, which: str) -> str:
    return {
        "manifest": image.digest,
        "config": image.config_digest,
        "layer": image.layers[0].digest,
    }[which]


@pytest.mark.parametrize("which", ["manifest", "config", "layer"])
@pytest.mark.parametrize("damage", [tear, empty, remove])
def test_damage_is_found_and_put_aside(
    store: ImageStore, image: Image, which: str, damage: Callable[[Path], None]
) -> None:
    digest = part(image, which)
    assert store.is_intact("demo")
    damage(store.blob_path(digest))
    assert not store.is_intact("demo")
    assert not store.blob_path(digest).exists()
    aside = store.path / "damaged" / digest.removeprefix("sha256:")
    assert aside.exists() is (damage is not remove)


@pytest.mark.parametrize("which", ["manifest", "config"])
def test_what_is_read_anyway_is_compared_by_digest(
    store: ImageStore, image: Image, which: str
) -> None:
    flip(store.blob_path(part(image, which)))
    assert not store.is_intact("demo")


@pytest.mark.parametrize("which", ["manifest", "config", "layer"])
@pytest.mark.parametrize("damage", [tear, empty, remove])
def test_a_damaged_image_is_no_predecessor_of_a_build_and_that_is_said(
    store: ImageStore, image: Image, which: str, damage: Callable[[Path], None]
) -> None:
    from http.client import HTTPConnection

    from cnbkit_engine.registry.grant import ANY, Grant

    damage(store.blob_path(part(image, which)))
    said: list[str] = []
    with Registry(store, 0, show=said.append) as registry:
        port = registry._listener.getsockname()[1]
        with_login = {"Authorization": registry.admit(Grant(frozenset({ANY}), ANY))}
        for _ in range(2):
            with closing(HTTPConnection(registry.address, port)) as connection:
                connection.request("GET", "/v2/demo/manifests/latest", headers=with_login)
                assert connection.getresponse().status == 404
    assert "demo:latest in the store is damaged" in "\n".join(said)
    assert len(said) == 2, "said once"


def test_a_torn_blob_is_not_there_for_who_would_leave_it_out(
    store: ImageStore, image: Image
) -> None:
    digest = image.layers[0].digest
    assert store.has_blob(digest)
    tear(store.blob_path(digest))
    assert not store.has_blob(digest)
    assert not store.blob_path(digest).exists()


def test_a_name_is_not_given_to_an_image_with_a_torn_layer(store: ImageStore, image: Image) -> None:
    data = store.read_blob(image.digest)
    tear(store.blob_path(image.layers[0].digest))
    with pytest.raises(DigestMismatch, match="damaged"):
        store.put_manifest("other", types.OCI_MANIFEST, data)
    with pytest.raises(UnknownBlob):
        store.put_manifest("other", types.OCI_MANIFEST, data)
    assert store.names() == ["demo:latest"]


@pytest.mark.parametrize("damage", [tear, empty, flip, remove])
def test_a_damaged_manifest_does_not_block_its_tag_nor_prune(
    store: ImageStore,
    image: Image,
    make_image: MakeImage,
    make_tar: MakeTar,
    damage: Callable[[Path], None],
) -> None:
    damage(store.blob_path(image.digest))
    store.prune(grace=-1)
    made = make_image("demo", [make_tar({"new": b"new"})])
    assert store.resolve("demo") == made
    assert store.is_intact("demo")


@pytest.mark.parametrize("damage", [tear, empty, flip, remove])
def test_a_damaged_layer_is_not_unpacked_and_comes_back_with_the_image(
    home: Home,
    store: ImageStore,
    make_image: MakeImage,
    make_tar: MakeTar,
    damage: Callable[[Path], None],
) -> None:
    tar = make_tar({"file": os.urandom(5000)})
    make_image("demo", [tar])
    layer = Image.from_store(store, "demo").layers[0]
    damage(store.blob_path(layer.digest))
    with pytest.raises((DigestMismatch, UnknownBlob)) as caught:
        ensure_layer(home, store, layer)
    assert "again" in str(caught.value.remedy)
    assert list(home.layers.glob("[!.]*")) == []
    make_image("demo", [tar])
    assert (ensure_layer(home, store, layer) / "file").is_file()


def test_a_damaged_image_is_not_exported(store: ImageStore, image: Image, tmp_path: Path) -> None:
    tear(store.blob_path(image.layers[1].digest))
    with pytest.raises(DigestMismatch):
        export_docker_archive(store, "demo", tmp_path / "image.tar")
    assert not (tmp_path / "image.tar").exists()


def test_a_moved_tags_manifest_can_be_had_by_its_digest(
    store: ImageStore, image: Image, make_image: MakeImage, make_tar: MakeTar
) -> None:
    make_image("demo", [make_tar({"new": b"new"})])
    assert store.resolve("demo").digest != image.digest
    assert Image.from_store(store, f"demo@{image.digest}").layers == image.layers
    with pytest.raises(UnknownImage):
        store.resolve(f"demo@{image.layers[0].digest}")


def test_blobs_are_on_the_disk_before_a_name_stands_for_them(
    store: ImageStore, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = store.read_blob(image.digest)
    store.remove("demo")  # what a name stands for is on the disk already
    steps: list[tuple[str, str]] = []
    real_sync, real_folder, real_replace = os.fdatasync, os.fsync, os.replace

    def sync(handle: int) -> None:
        steps.append(("file", str(Path(f"/proc/self/fd/{handle}").readlink())))
        real_sync(handle)

    def folder(handle: int) -> None:
        steps.append(("folder", str(Path(f"/proc/self/fd/{handle}").readlink())))
        real_folder(handle)

    def replace(source: str, target: str) -> None:
        steps.append(("name", os.fspath(target)))
        real_replace(source, target)

    monkeypatch.setattr("os.fdatasync", sync)
    monkeypatch.setattr("os.fsync", folder)
    monkeypatch.setattr("os.replace", replace)
    store.put_manifest("other", types.OCI_MANIFEST, data)
    named = steps.index(("name", str(store.path / "index.json")))
    before, after = steps[:named], steps[named:]
    for digest in (image.digest, image.config_digest, *(x.digest for x in image.layers)):
        assert ("file", str(store.blob_path(digest))) in before
    assert ("folder", str(store.blobs.folder)) in before
    assert any(kind == "file" and ".index.json" in path for kind, path in before)
    assert ("folder", str(store.path)) in after


# cnbkit doctor


def doctor(home: Home, *, repair: bool = False) -> list[tuple[str, str]]:
    found = Doctor(home, repair=repair, show=lambda _line: None).run()
    return [(finding.where, finding.what) for finding in found]


@pytest.mark.parametrize("which", ["manifest", "config", "layer"])
@pytest.mark.parametrize("damage", [tear, empty, flip, remove])
def test_the_doctor_finds_all_damage_changes_nothing_and_repairs(
    home: Home, store: ImageStore, image: Image, which: str, damage: Callable[[Path], None]
) -> None:
    assert doctor(home) == []
    path = store.blob_path(part(image, which))
    damage(path)
    before = sorted((p, p.stat().st_size) for p in home.root.rglob("*") if p.is_file())
    found = doctor(home)
    assert any(where == "demo:latest" for where, _ in found)
    assert sorted((p, p.stat().st_size) for p in home.root.rglob("*") if p.is_file()) == before
    assert doctor(home, repair=True) == found
    assert doctor(home) == []
    assert store.names() == []


def test_the_doctor_finds_a_changed_unpacked_layer(
    home: Home, store: ImageStore, image: Image
) -> None:
    place = ensure_layer(home, store, image.layers[0])
    assert doctor(home) == []
    flip(place / "one")
    assert doctor(home) == [(str(place), "the unpacked layer is not what the image has")]
    doctor(home, repair=True)
    assert not place.exists()
    assert store.names() == ["demo:latest"]


def test_the_doctor_finds_a_file_missing_from_what_was_made_once(home: Home) -> None:
    from cnbkit_engine.state.locks import made_once

    def make(folder: Path) -> None:
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "tool").write_text("tool")
        (folder / "link").symlink_to("bin/tool")

    made = made_once(home.tools / "lifecycle", make)
    assert doctor(home) == []
    empty(made / "bin" / "tool")
    ((where, what),) = doctor(home)
    assert where == str(made)
    assert "bin/tool" in what
    doctor(home, repair=True)
    assert not made.exists()
    assert made_once(home.tools / "lifecycle", make).exists()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"manifests": 3}', '{"manifests": [{}]}', "[" * 100_000]
)
def test_a_damaged_index_is_named_and_repaired(home: Home, store: ImageStore, text: str) -> None:
    store.put_blob(b"x")
    (store.path / "index.json").write_text(text)
    with pytest.raises(PlatformFault, match="index is damaged") as caught:
        store.names()
    assert "doctor --repair" in str(caught.value.remedy)
    assert doctor(home)
    doctor(home, repair=True)
    assert doctor(home) == []
    assert store.names() == []
    assert list((store.path / "damaged").iterdir()), "kept for who wants to look"


def test_the_doctor_says_whose_a_foreign_home_is(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.root.mkdir()
    uid = os.geteuid() + 1
    monkeypatch.setattr("os.geteuid", lambda: uid)
    ((where, what),) = doctor(home)
    assert where == str(home.root)
    assert "set CNBKIT_HOME" in what


def test_a_home_that_is_a_file_is_named(home: Home) -> None:
    home.root.write_text("")
    ((_, what),) = doctor(home)
    assert "not a folder" in what


def test_a_manifest_that_is_not_an_object_is_named(store: ImageStore) -> None:
    with pytest.raises(PlatformFault):
        store.put_manifest("demo", types.OCI_MANIFEST, json.dumps([1]).encode())

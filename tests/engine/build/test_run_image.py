"""Which run image an app is put on: the builder's, the one named, the app's registry's, GPUs'."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit.errors import UserFault
from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.base.suites import SUITES
from cnbkit_engine.build.run_image import RunImages, base_of_run_image
from cnbkit_engine.oci.layer import Entry
from cnbkit_engine.oci.layout import Layout
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.oci.types import Descriptor

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.state.home import Home

ARCH = machine_architecture()
HOST = "store.localhost:5095"
OWN = "cnbkit/run:bookworm"


@pytest.fixture
def store(home: Home, tmp_path: Path) -> ImageStore:
    """A store with a run image as cnbkit's own."""
    return _own(home, tmp_path, "12")


def _own(home: Home, folder: Path, version: str) -> ImageStore:
    layout = Layout(folder / "own")
    labels = {
        "io.buildpacks.base.distro.name": "debian",
        "io.buildpacks.base.distro.version": version,
    }
    config = {"os": "linux", "architecture": ARCH, "config": {"Labels": labels, "Env": ["A=1"]}}
    made = Descriptor.parse(layout.image(config, [layout.layer([Entry("/run", b"1")])]))
    store = ImageStore(home.images)
    for blob in (layout.path / "blobs" / "sha256").iterdir():
        store.put_blob(blob.read_bytes())
    store.put_manifest(OWN, made.media_type, store.read_blob(made.digest))
    return store


def _images(
    store: ImageStore,
    *,
    named: list[dict[str, Any]] | None = None,
    wanted: str = "",
    gpus: bool = False,
    said: list[str] | None = None,
) -> RunImages:
    told: list[str] = [] if said is None else said
    suite = SUITES["bookworm"]
    return RunImages(store, OWN, named or [], wanted, ARCH, gpus, suite, (), told.append)


def test_without_a_name_an_image_that_is_published_says_that_nobody_can_rebase_it(
    store: ImageStore, registry: str
) -> None:
    said: list[str] = []
    target = Reference.parse(f"{registry}/app:1")
    found = _images(store, said=said).in_registry(target, HOST)
    assert (found.reference, found.stored) == (f"{HOST}/{OWN}", "cnbkit/run")
    assert found.document == ""
    assert "cannot be rebased: --run-image names one" in said[0]


def test_of_an_image_and_its_mirrors_the_one_beside_the_app_is_taken_and_pushed_once(
    store: ImageStore, registry: str
) -> None:
    mirror = f"{registry}/mirror/run:1"
    named = [{"image": "elsewhere.example/run:1", "mirrors": [mirror]}]
    target = Reference.parse(f"{registry}/app:1")
    said: list[str] = []
    images = _images(store, named=named, said=said)
    found = images.in_registry(target, HOST)
    assert (found.reference, found.stored) == (mirror, "")
    assert 'image = "elsewhere.example/run:1"' in found.document
    assert mirror in found.document
    assert Remote(mirror).digest() == store.resolve(OWN).digest
    assert images.in_registry(target, HOST) == found
    assert said == [f"Pushing the run image to {mirror}, where none is yet"]


def test_an_app_for_gpus_stands_on_the_image_beside_it_that_asks_for_them(
    store: ImageStore, registry: str
) -> None:
    name = f"{registry}/run:1"
    images = _images(store, wanted=name, gpus=True)
    found = images.in_registry(Reference.parse(f"{registry}/app:1"), HOST)
    assert found.reference == f"{name}-cuda"
    assert found.recorded["image"] == f"{name}-cuda"
    env = Remote(found.reference).config(ARCH)["config"]["Env"]
    assert "NVIDIA_VISIBLE_DEVICES=all" in env
    plain, other = (Remote(each).layers(ARCH) for each in (name, f"{name}-cuda"))
    assert [each.digest for each in plain] == [each.digest for each in other]
    # One that asks by itself is taken as it is.
    again = _images(store, wanted=f"{name}-cuda", gpus=True)
    found = again.in_registry(Reference.parse(f"{registry}/app:1"), HOST)
    assert found.reference == f"{name}-cuda"


def test_an_image_in_the_store_stands_on_the_newest_of_the_name(
    store: ImageStore, registry: str
) -> None:
    name = f"{registry}/run:1"
    with pytest.raises(UserFault, match="there is no image"):
        _images(store, wanted=name).in_store(HOST)
    Remote(name).push(store.path, store.resolve(OWN))
    found = _images(store, wanted=name).in_store(HOST)
    assert found.reference == f"{HOST}/{Reference.parse(name).served}"
    assert json.dumps(found.recorded).count(found.reference) == 1
    assert store.resolve(name) == store.resolve(OWN)


def test_a_run_image_of_another_debian_is_refused(
    home: Home, registry: str, tmp_path: Path
) -> None:
    store = _own(home, tmp_path, "13")
    name = f"{registry}/run:13"
    Remote(name).push(store.path, store.resolve(OWN))
    images = _images(store, wanted=name)
    published = partial(images.in_registry, Reference.parse(f"{registry}/app:1"), HOST)
    for choose in (partial(images.in_store, HOST), published):
        with pytest.raises(UserFault) as caught:
            choose()
        assert "is Debian 13, and the app is built on Debian 12" in caught.value.what
        assert "--base trixie" in (caught.value.remedy or "")


def test_the_base_is_that_of_the_run_image_that_is_named(store: ImageStore) -> None:
    # Nobody listens on port 9, so what was fetched before counts.
    name = "127.0.0.1:9/team/run:1"
    assert base_of_run_image(store, name, ARCH, ()) == ""
    assert base_of_run_image(store, "", ARCH, ()) == ""
    own = store.resolve(OWN)
    stored = Reference.parse(name).stored
    store.put_manifest(stored, own.media_type, store.read_blob(own.digest))
    assert base_of_run_image(store, name, ARCH, ()) == "bookworm"

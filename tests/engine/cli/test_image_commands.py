"""`cnbkit images`, `rmi` and `push`: what is there, what goes, what is sent."""

from __future__ import annotations

import hashlib
import json
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.oci.types import OCI_INDEX, ZSTD_LAYER
from cnbkit_engine.oci.unpack import unpack_layer

from ...plain_registry import PlainRegistry
from ..run.test_run import result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cnbkit_engine.oci.types import Descriptor
    from cnbkit_engine.state.home import Home

    MakeTar = Callable[..., bytes]
    MakeImage = Callable[..., Any]


@pytest.fixture
def images(make_image: MakeImage, make_tar: MakeTar) -> dict[str, Descriptor]:
    """Two of this machine, and one of another."""
    found = {
        name: make_image(f"{name}:latest", [make_tar({name: name.encode() * 1000})])
        for name in ("one", "two")
    }
    found["other"] = make_image("other:latest", [], {}, architecture="riscv64")
    return found


def test_images_are_listed_with_digest_size_and_platform(
    home: Home, images: dict[str, Descriptor]
) -> None:
    code, out, err = result(home, "images")
    assert (code, err) == (0, "")
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()}
    assert [*rows] == ["one:latest", "other:latest", "two:latest"]
    for name, image in images.items():
        assert rows[f"{name}:latest"][0] == image.digest[7:19]
    assert (rows["one:latest"][-1], rows["other:latest"][-1]) == ("linux/amd64", "linux/riscv64")
    assert result(home, "images", "--quiet")[1].split() == [*rows]
    told = [json.loads(line) for line in result(home, "images", "--json")[1].splitlines()]
    assert [each["digest"] for each in told] == [
        images[name].digest for name in ("one", "other", "two")
    ]


def test_a_removed_image_is_gone_and_the_others_stay(
    home: Home, images: dict[str, Descriptor]
) -> None:
    assert images
    # None goes where one is not there.
    assert result(home, "rmi", "two", "three")[0] == 65
    assert result(home, "rmi", "two", "other")[:2] == (0, "two removed\nother removed\n")
    assert result(home, "images", "-q")[1] == "one:latest\n"
    assert result(home, "inspect", "two")[0] == 65


def test_a_pushed_image_is_the_same_in_the_registry(
    home: Home, images: dict[str, Descriptor], registry: str, crane: Path
) -> None:
    reference = f"{registry}/team/app:1"
    code, out, err = result(home, "push", "one", reference)
    assert (code, out) == (0, f"{reference}  {images['one'].digest}\n"), err
    told = subprocess.run(
        [crane, "digest", reference], capture_output=True, text=True, check=True
    ).stdout
    assert told.strip() == images["one"].digest
    subprocess.run([crane, "validate", "--remote", reference], check=True, capture_output=True)


def test_an_image_pushed_by_zstd_is_the_same_but_for_the_bytes_of_its_own_layers(
    home: Home, make_image: MakeImage, make_tar: MakeTar, tmp_path: Path
) -> None:
    base, own = (make_tar({name: name.encode() * 1000}) for name in ("base", "own"))
    top = f"sha256:{hashlib.sha256(base).hexdigest()}"
    label = json.dumps({"runImage": {"topLayer": top}})
    made = make_image("app", [base, own], {"Labels": {"io.buildpacks.lifecycle.metadata": label}})
    store = ImageStore(home.images)
    before = json.loads(store.read_blob(made.digest))
    with closing(PlainRegistry()) as registry:
        reference = f"{registry.host}/team/app:1"
        code, out, err = result(home, "push", "app", reference, "--compression", "zstd")
        remote = Remote(reference)
        assert (code, out) == (0, f"{reference}  {remote.digest()}\n"), err
        after = json.loads(remote.manifest("amd64")[1])
        assert after["config"] == before["config"]
        assert after["layers"][0] == before["layers"][0]
        assert after["layers"][1]["mediaType"] == ZSTD_LAYER
        sent = dict(registry.blobs)
        assert result(home, "push", "app", reference, "--compression", "zstd")[1] == out
        assert registry.blobs == sent
        # Another machine unpacks what it was.
        elsewhere = ImageStore(tmp_path / "elsewhere")
        remote.fetch(elsewhere, "app", "amd64")
    for number, layer in enumerate(Image.from_store(elsewhere, "app").layers):
        with elsewhere.open_for_reading(layer.descriptor) as blob:
            assert unpack_layer(blob, tmp_path / str(number)) == layer.diff_id
    assert (tmp_path / "1" / "own").read_bytes() == b"own" * 1000


def test_what_is_sent_as_it_is_cannot_be_compressed(
    home: Home, make_image: MakeImage, tmp_path: Path
) -> None:
    made = make_image("app", [])
    platform = {"os": "linux", "architecture": "amd64"}
    entry = {"mediaType": made.media_type, "digest": made.digest, "size": made.size}
    manifests = [{**entry, "platform": platform}]
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}
    ImageStore(home.images).put_manifest("both", OCI_INDEX, json.dumps(index).encode())
    options = ("127.0.0.1:9/x", "--compression", "zstd")
    code, _, err = result(home, "push", "both", *options)
    assert code == 65
    assert "several images" in err
    code, _, err = result(home, "push", f"oci:{tmp_path}", *options)
    assert code == 2
    assert "images of the local store" in err

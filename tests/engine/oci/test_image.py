"""What an image says about itself."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit.errors import PlatformFault, UserFault
from cnbkit_engine.oci import types
from cnbkit_engine.oci.image import Image, ImageProcess
from cnbkit_engine.oci.store import ImageStore, UnknownImage

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnbkit_engine.state.home import Home

    MakeTar = Callable[..., bytes]
    MakeImage = Callable[..., Any]


@pytest.fixture
def store(home: Home) -> ImageStore:
    return ImageStore(home.images)


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.fixture
def built(make_image: MakeImage, make_tar: MakeTar, store: ImageStore) -> Image:
    """An image with the labels the lifecycle writes."""
    names = ["os", "certs", "venv", "sbom", "slice", "app", "launcher", "config", "types", "extra"]
    layers = {name: make_tar({name: name.encode()}) for name in names}
    sha = {name: digest_of(data) for name, data in layers.items()}
    lifecycle = {
        "app": [{"sha": sha["slice"]}, {"sha": sha["app"]}],
        "sbom": {"sha": sha["sbom"]},
        "buildpacks": [
            {"key": "cnbkit/pip", "version": "1", "layers": {"venv": {"sha": sha["venv"]}}},
            {"key": "cnbkit/start", "version": "1", "layers": {}},
        ],
        "config": {"sha": sha["config"]},
        "launcher": {"sha": sha["launcher"]},
        "process-types": {"sha": sha["types"]},
        "runImage": {"topLayer": sha["certs"], "reference": "r@sha256:1", "image": "cnbkit/run"},
    }
    build = {
        "buildpacks": [{"id": "cnbkit/pip", "version": "1.2"}],
        "processes": [
            {
                "type": "web",
                "command": ["gunicorn"],
                "args": ["app"],
                "buildpackID": "cnbkit/start",
            },
            {"type": "old", "command": "one-string", "args": None, "working-dir": "/x"},
        ],
    }
    config = {
        "Entrypoint": ["/cnb/process/web"],
        "Env": ["PATH=/bin", "A=b=c", "EMPTY="],
        "User": "1000:1000",
        "WorkingDir": "/workspace",
        "Labels": {
            "io.buildpacks.lifecycle.metadata": json.dumps(lifecycle),
            "io.buildpacks.build.metadata": json.dumps(build),
            "team": "vision",
        },
    }
    make_image("demo", list(layers.values()), config)
    return Image.from_store(store, "demo")


def test_every_layer_says_where_it_comes_from(built: Image) -> None:
    assert [(layer.kind, layer.what) for layer in built.layers] == [
        ("base", "base"),
        ("base", "base"),
        ("buildpack", "cnbkit/pip:venv"),
        ("sbom", "sbom"),
        ("app", "app"),
        ("app", "app"),
        ("launcher", "launcher"),
        ("config", "config"),
        ("process-types", "process-types"),
        ("other", "other"),
    ]


def test_processes_are_read_in_both_spellings(built: Image) -> None:
    assert built.processes == (
        ImageProcess("web", ("gunicorn",), ("app",), True, "", "cnbkit/start"),
        ImageProcess("old", ("one-string",), (), False, "/x", ""),
    )


def test_the_configuration_is_read(built: Image) -> None:
    assert built.env == {"PATH": "/bin", "A": "b=c", "EMPTY": ""}
    assert built.labels["team"] == "vision"
    assert built.user == "1000:1000"
    assert built.working_dir == "/workspace"
    assert built.base == "cnbkit/run"
    assert built.platform == "linux/amd64"
    assert [(used.id, used.version) for used in built.buildpacks] == [("cnbkit/pip", "1.2")]


def test_an_image_without_labels_has_layers_of_unknown_origin(
    make_image: MakeImage, make_tar: MakeTar, store: ImageStore
) -> None:
    make_image("demo", [make_tar({"a": b"x"})])
    image = Image.from_store(store, "demo")
    assert [layer.kind for layer in image.layers] == ["other"]
    assert image.processes == ()
    assert image.base is None


def test_a_multi_platform_image_is_chosen_by_platform(
    make_image: MakeImage, make_tar: MakeTar, store: ImageStore
) -> None:
    entries = []
    for architecture, variant in (("amd64", None), ("arm64", "v8")):
        part = make_image(architecture, [make_tar({architecture: b""})], architecture=architecture)
        platform = {"os": "linux", "architecture": architecture}
        if variant:
            platform["variant"] = variant
        described = {"mediaType": part.media_type, "digest": part.digest, "size": part.size}
        entries.append({**described, "platform": platform})
    # As BuildKit writes it for an attestation, and as other tools do for what is no image.
    entries.append({**described, "platform": {"os": "unknown", "architecture": "unknown"}})
    entries.append(described)
    index = {"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": entries}
    store.put_manifest("demo", types.OCI_INDEX, json.dumps(index).encode())
    assert Image.from_store(store, "demo", "linux/amd64").platform == "linux/amd64"
    assert Image.from_store(store, "demo", "linux/arm64").platform == "linux/arm64"
    with pytest.raises(UserFault, match="s390x") as caught:
        Image.from_store(store, "demo", "linux/s390x")
    assert caught.value.remedy == "choose one of: linux/amd64, linux/arm64/v8"


def test_an_unknown_image_is_the_users_fault(store: ImageStore) -> None:
    with pytest.raises(UnknownImage):
        Image.from_store(store, "nope")


@pytest.mark.parametrize("label", ["[]", "no json", '{"app": 3}', '{"buildpacks": ["x"]}'])
def test_broken_labels_are_a_platform_fault(
    make_image: MakeImage, make_tar: MakeTar, store: ImageStore, label: str
) -> None:
    labels = {"io.buildpacks.lifecycle.metadata": label}
    make_image("demo", [make_tar({"a": b""})], {"Labels": labels})
    with pytest.raises(PlatformFault):
        Image.from_store(store, "demo")


def test_a_config_with_fewer_layers_than_the_manifest_is_a_platform_fault(
    make_image: MakeImage, make_tar: MakeTar, store: ImageStore
) -> None:
    found = make_image("demo", [make_tar({"a": b""})])
    manifest = json.loads(store.read_blob(found.digest))
    manifest["layers"] *= 2
    store.put_manifest("demo", types.OCI_MANIFEST, json.dumps(manifest).encode())
    with pytest.raises(PlatformFault):
        Image.from_store(store, "demo")

"""Builder images for one platform or several, in a registry as others see it."""

from __future__ import annotations

import json
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit.errors import UserFault
from cnbkit_engine.builder.image import BuilderImage
from cnbkit_engine.lifecycle.archive import write_lifecycle
from cnbkit_engine.lifecycle.install import ensure_lifecycle
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.oci.unpack import unpack_layer
from cnbkit_engine.state.home import Home

if TYPE_CHECKING:
    from ..conftest import PushBase

FOREIGN = Path(__file__).resolve().parents[2] / "examples" / "foreign" / "motd"
ELF_MACHINE = {"amd64": 62, "arm64": 183}


@pytest.fixture
def builder(tmp_path: Path) -> Path:
    """A builder.toml that names no base images."""
    path = tmp_path / "builder.toml"
    path.write_text(
        f'[[buildpacks]]\nuri = "{FOREIGN}"\n[[order]]\n[[order.group]]\nid = "samples/motd"\n'
    )
    return path


def _files(reference: str, arch: str, folder: Path) -> tuple[Image, dict[str, bytes]]:
    """One platform's image, and the first bytes of each of its files."""
    store = ImageStore(folder)
    Remote(reference).pull(folder, arch)
    image = Image.from_store(store, store.names()[0])
    found: dict[str, bytes] = {}
    for layer in image.layers:
        with tarfile.open(store.blob_path(layer.digest)) as archive:
            for item in archive:
                content = archive.extractfile(item) if item.isreg() else None
                found["/" + item.name.strip("/")] = content.read(64) if content else b""
    return image, found


def test_one_name_is_a_builder_for_both_architectures(
    builder: Path, registry: str, crane: Path, push_base: PushBase, tmp_path: Path
) -> None:
    build = push_base(f"{registry}/build:1", "amd64", "arm64")
    run = push_base(f"{registry}/run:1", "amd64", "arm64")
    said: list[str] = []
    image = BuilderImage(
        builder, build_image=build, run_image=run, targets=["amd64", "arm64"], show=said.append
    )
    name = f"{registry}/builder:1"
    published = image.publish(Home.default(), name)
    assert not [line for line in said if "Not checked" in line]
    subprocess.run([crane, "validate", "--remote", name], check=True, capture_output=True)
    index = json.loads(subprocess.check_output([crane, "manifest", name]))
    assert [each["platform"] for each in index["manifests"]] == [
        {"architecture": "amd64", "os": "linux"},
        {"architecture": "arm64", "os": "linux"},
    ]
    for arch, machine in ELF_MACHINE.items():
        made, files = _files(name, arch, tmp_path / arch)
        assert made.platform == f"linux/{arch}"
        assert files["/arch"] == arch.encode()  # of its own build image
        for program in ("lifecycle", "launcher"):
            head = files[f"/cnb/lifecycle/{program}"]
            assert (head[:4], int.from_bytes(head[18:20], "little")) == (b"\x7fELF", machine)
        assert "/cnb/buildpacks/samples_motd/0.0.1/bin/build" in files
        metadata = json.loads(made.labels["io.buildpacks.builder.metadata"])
        assert metadata["images"] == [{"image": run, "mirrors": []}]
    # The file may name them itself, as for pack.
    named = "".join(f'[[targets]]\nos = "linux"\narch = "{arch}"\n' for arch in ELF_MACHINE)
    builder.write_text(builder.read_text() + named)
    assert replace(image, targets=[]).publish(Home.default(), name) == published
    one = replace(image, targets=["amd64"]).publish(Home.default(), f"{registry}/builder:amd64")
    assert one.endswith(index["manifests"][0]["digest"])
    # The same again is the same image, in a file too.
    assert image.publish(Home.default(), name) == published
    image.save(Home.default(), "oci-archive", tmp_path / "builder.tar")
    inspect = ["skopeo", "inspect", "--raw", f"oci-archive:{tmp_path}/builder.tar"]
    assert json.loads(subprocess.check_output(inspect)) == index


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ('os = "windows"\narch = "amd64"\n', "windows/amd64"),
        ('arch = "arm"\nvariant = "v7"\n', "linux/arm/v7"),
    ],
)
def test_a_target_that_no_builder_is_made_for_is_named(
    builder: Path, target: str, name: str, tmp_path: Path
) -> None:
    known = '[[targets]]\nos = "linux"\narch = "amd64"\n'
    builder.write_text(f"{builder.read_text()}{known}[[targets]]\n{target}")
    image = BuilderImage(builder, run_image="registry.example.com/run:1")
    with pytest.raises(UserFault, match=f"cannot make a builder for {name}"):
        image.save(Home.default(), "oci", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_what_buildpacks_have_in_common_is_in_the_image_once(
    registry: str, push_base: PushBase, tmp_path: Path
) -> None:
    examples = Path(__file__).resolve().parents[3] / "examples" / "buildpacks"
    names = ("hello", "wordcount")
    path = tmp_path / "builder.toml"
    path.write_text(
        'description = "Two that share"\n'
        + "".join(f'[[buildpacks]]\nuri = "{examples / name}"\n' for name in names)
        + f'[[buildpacks]]\nuri = "{FOREIGN}"\n[[order]]\n'
        + "".join(f'[[order.group]]\nid = "examples/{name}"\n' for name in names)
    )
    base = push_base(f"{registry}/base:1", "amd64")
    name = f"{registry}/together:1"
    image = BuilderImage(path, run_image=base, targets=["amd64"])
    published = image.publish(Home.default(), name)
    assert image.publish(Home.default(), name) == published

    store = ImageStore(tmp_path / "image")
    Remote(name).pull(store.path, "amd64")
    made = Image.from_store(store, store.names()[0])
    said = "org.opencontainers.image.description"
    assert made.manifest["annotations"] == {said: "Two that share"}
    assert made.labels[said] == "Two that share"
    layers = json.loads(made.labels["io.buildpacks.buildpack.layers"])
    digests = {
        module: next(iter(versions.values()))["layerDiffID"] for module, versions in layers.items()
    }
    # Another's buildpack has a layer of its own, which changes with it alone.
    assert digests["examples/hello"] == digests["examples/wordcount"] != digests["samples/motd"]
    folder = tmp_path / "layer"
    [layer] = [each for each in made.layers if each.diff_id == digests["examples/hello"]]
    with store.blob_path(layer.digest).open("rb") as blob:
        unpack_layer(blob, folder)
    trees = []
    for module in names:
        [found] = (folder / "cnb" / "buildpacks" / f"examples_{module}").iterdir()
        core = found / "lib" / "pydantic_core"
        trees.append({path.name: path for path in core.glob("*.so")})
    assert trees[0]
    for file, one in trees[0].items():
        assert one.samefile(trees[1][file])


@pytest.mark.parametrize("wrong", ["build", "run"])
@pytest.mark.parametrize("index", [False, True], ids=["one image", "index"])
def test_a_base_image_for_another_processor_is_refused(
    builder: Path, registry: str, push_base: PushBase, wrong: str, index: bool
) -> None:
    arches = ("arm64", "s390x") if index else ("arm64",)
    names = {each: push_base(f"{registry}/{each}:1", "amd64") for each in ("build", "run")}
    names[wrong] = push_base(f"{registry}/other:1", *arches)
    image = BuilderImage(
        builder, build_image=names["build"], run_image=names["run"], targets=["amd64"]
    )
    with pytest.raises(UserFault) as caught:
        image.publish(Home.default(), f"{registry}/builder:1")
    fault = caught.value
    if index:
        assert fault.what == f"'{names[wrong]}' has no image for linux/amd64"
        assert fault.remedy == "it is for linux/arm64, linux/s390x"
    else:
        assert fault.what == f"the {wrong} image is for linux/arm64, not for linux/amd64"
        assert fault.where == names[wrong]
    with pytest.raises(UserFault, match="there is no image"):
        Remote(f"{registry}/builder:1").digest()


def test_a_lifecycle_for_another_processor_is_refused(
    builder: Path, registry: str, push_base: PushBase, tmp_path: Path
) -> None:
    base = push_base(f"{registry}/base:1", "amd64", "arm64")
    write_lifecycle(ensure_lifecycle(Home.default(), arch="amd64"), tmp_path / "lifecycle.tgz")
    builder.write_text(builder.read_text() + '[lifecycle]\nuri = "lifecycle.tgz"\n')
    image = BuilderImage(builder, build_image=base, run_image=base, targets=["arm64"])
    with pytest.raises(UserFault, match=r"in lifecycle\.tgz is for amd64, not for arm64"):
        image.publish(Home.default(), f"{registry}/builder:1")


def test_a_run_image_that_is_not_there_yet_is_said(
    builder: Path, registry: str, push_base: PushBase, tmp_path: Path
) -> None:
    base = push_base(f"{registry}/base:1", "amd64")
    said: list[str] = []
    image = BuilderImage(
        builder,
        build_image=base,
        run_image=f"{registry}/later:1",
        targets=["amd64"],
        show=said.append,
    )
    image.save(Home.default(), "oci", tmp_path / "builder")
    there = f"there is no image '{registry}/later:1'"
    assert f"Not checked: run image {registry}/later:1 ({there})" in said
    assert _names(tmp_path / "builder") == ["linux/amd64"]


def _names(layout: Path) -> list[str]:
    store = ImageStore(layout)
    found: list[Any] = [Image.from_store(store, name).platform for name in store.names()]
    return found

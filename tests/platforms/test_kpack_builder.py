"""kpack's own code reads our packages, makes a builder of them, and the builder builds.

The cluster's place is taken by `tools/kpack`, the pods' by the imitation of kpack's builds.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit_engine.base.images import BaseImages, machine_architecture
from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.buildpack.package import Package
from cnbkit_engine.lifecycle.archive import lifecycle_table
from cnbkit_engine.lifecycle.install import LIFECYCLE_VERSION, ensure_crane, ensure_lifecycle
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.layer import Entry, folder_entries
from cnbkit_engine.oci.layout import Layout
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.oci.types import Descriptor
from cnbkit_engine.state.home import Home
from cnbkit_engine.state.workspace import Workspace
from cnbkit_engine.testing import LifecycleBuild
from cnbkit_engine.testing.docker import LocalRegistry

from .imitation import PlatformEngine
from .test_builds import PLATFORMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnbkit_engine.build.build import Kit

ROOT = Path(__file__).resolve().parents[2]
ARCH = machine_architecture()
STACK = DEFAULT.stack
MEMBERS = {
    "samples/motd": ROOT / "tests" / "examples" / "foreign" / "motd",
    "cnbkit/start": ROOT / "buildpacks" / "start",
}


def _version(folder: Path) -> str:
    document = tomllib.loads((folder / "buildpack.toml").read_text())
    return str(document["buildpack"]["version"])


VERSIONS = {name: _version(folder) for name, folder in MEMBERS.items()}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    crane = ensure_crane(Home.default(), arch=ARCH)
    made = LocalRegistry(crane, tmp_path_factory.mktemp("registry"))
    yield made.host
    made.stop()


@pytest.fixture(scope="module")
def package(registry: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A composite of a buildpack on cnbkit and another one, for both architectures."""
    home = Home.default()
    folder = tmp_path_factory.mktemp("composite")
    groups = "".join(
        f'[[order.group]]\nid = "{name}"\nversion = "{version}"\noptional = true\n'
        for name, version in VERSIONS.items()
    )
    (folder / "buildpack.toml").write_text(
        'api = "0.12"\n[buildpack]\nid = "acme/all"\nversion = "1.2.3"\n'
        f'homepage = "https://acme.example"\n[[order]]\n{groups}'
    )
    (folder / "package.toml").write_text(
        '[buildpack]\nuri = "."\n'
        + "".join(f'[[dependencies]]\nuri = "{path}"\n' for path in MEMBERS.values())
    )
    root = BaseImages(home, ImageStore(home.images)).ensure_build_root()
    name = f"{registry}/acme/all:1"
    return Package(folder, lambda: root, targets=["amd64", "arm64"]).publish(home, name)


@dataclass(frozen=True)
class Parts:
    """Images a ClusterStack and a ClusterLifecycle name."""

    build: str
    run: str
    lifecycle: str


@pytest.fixture(scope="module")
def parts(registry: str, tmp_path_factory: pytest.TempPathFactory) -> Parts:
    folder = tmp_path_factory.mktemp("parts")

    def push(name: str, entries: list[Entry], labels: dict[str, str], *env: str) -> str:
        layout = Layout(folder / name)
        settings = {"Labels": labels, "Env": list(env)}
        config = {"os": "linux", "architecture": ARCH, "config": settings}
        image = layout.image(config, [layout.layer(entries)])
        layout.finish(image)
        reference = f"{registry}/{name}:1"
        Remote(reference).push(layout.path, Descriptor.parse(image))
        return reference

    table = lifecycle_table()
    programs = folder_entries(ensure_lifecycle(Home.default(), arch=ARCH), "/cnb/lifecycle")
    stack = {"io.buildpacks.stack.id": STACK}
    return Parts(
        build=push("build", [Entry("/b", b"")], stack, "CNB_USER_ID=1000", "CNB_GROUP_ID=1000"),
        run=push("run", [Entry("/r", b"")], stack),
        lifecycle=push(
            "lifecycle",
            [Entry("/cnb"), Entry("/cnb/lifecycle"), *programs],
            {
                "io.buildpacks.builder.metadata": json.dumps(
                    {"lifecycle": {"version": LIFECYCLE_VERSION}, "api": table["api"]}
                ),
                "io.buildpacks.lifecycle.apis": json.dumps(table["apis"]),
            },
        ),
    )


def _make(
    kpack: Path, package: str, parts: Parts, builder: str, buildpack: str = "acme/all"
) -> tuple[int, list[dict[str, Any]], str]:
    """Exit status of kpack's code, what it saw in the package, and what is wrong."""
    done = subprocess.run(
        [
            *(kpack, "builder", package, parts.build, parts.run, parts.lifecycle),
            *(STACK, buildpack, builder),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@dataclass
class BuilderEngine(PlatformEngine):
    """Builds with the buildpacks and the lifecycle of a builder image, unpacked."""

    builder: Path

    def kit(self, builder: Path) -> Kit:
        """The base images alone are cnbkit's."""
        cnb = self.builder / "cnb"
        return replace(super().kit(builder), builder=cnb, lifecycle=cnb / "lifecycle")


def test_kpack_makes_a_builder_of_a_package_and_builds_with_it(
    kpack: Path, registry: str, package: str, parts: Parts, tmp_path: Path
) -> None:
    name = f"{registry}/builder:1"
    code, seen, fault = _make(kpack, package, parts, name)
    assert code == 0, fault
    found = {each["id"]: each for each in seen}
    assert {key: each["version"] for key, each in found.items()} == {
        "acme/all": "1.2.3",
        **VERSIONS,
    }
    for each in seen:
        assert each["buildpackage"] == {
            "id": "acme/all",
            "version": "1.2.3",
            "homepage": "https://acme.example",
        }
        assert each["storeImage"] == {"image": package}
    assert found["acme/all"]["homepage"] == "https://acme.example"
    [entry] = found["acme/all"]["order"]
    assert [(each["id"], each["optional"]) for each in entry["group"]] == [
        ("samples/motd", True),
        ("cnbkit/start", True),
    ]
    # No stack is named: the builder takes them on any.
    assert (found["cnbkit/start"]["api"], found["cnbkit/start"].get("stacks")) == ("0.10", None)

    store = ImageStore(tmp_path / "builder")
    Remote(name).pull(store.path, ARCH)
    image = Image.from_store(store, store.names()[0])
    assert {each["digest"] for each in seen} < {layer.digest for layer in image.layers}
    with Workspace(Home.default().tmp) as root:  # what is below it may be given to sandboxes
        for layer in image.layers:
            with tarfile.open(store.blob_path(layer.digest)) as archive:
                for item in archive:
                    item.name = item.name.strip("/")  # kpack writes absolute ones
                    archive.extract(item, root)
        engine = BuilderEngine(
            Home.default(), {"type": "none"}, tmp_path / "cache", PLATFORMS[0], root
        )
        builds = LifecycleBuild(engine, tmp_path / "source")
        try:
            app = {"Procfile": "web: echo by kpack\n"}
            built = builds.build(app, buildpacks=list(MEMBERS.values()))
            assert built.run("web") == "by kpack\n"
            told = json.loads(built.image.labels["io.buildpacks.build.metadata"])
            assert "cnbkit/start" in {each["id"] for each in told["buildpacks"]}
        finally:
            builds.close()


def test_kpack_refuses_what_is_broken(
    kpack: Path, registry: str, package: str, parts: Parts, tmp_path: Path
) -> None:
    name = f"{registry}/none:1"
    code, seen, fault = _make(kpack, parts.run, parts, name)
    assert (code, seen) == (1, [])
    assert "could not find label io.buildpacks.buildpack.layers" in fault
    code, _, fault = _make(kpack, package, parts, name, "acme/other")
    assert code == 1
    assert "could not find buildpack with id 'acme/other'" in fault
    # The same package, whose label names a layer it does not have.
    store = ImageStore(tmp_path / "package")
    Remote(package).pull(store.path, ARCH)
    [found] = store.names()
    image = Image.from_store(store, found)
    layers = image.labels["io.buildpacks.buildpack.layers"]
    digest = json.loads(layers)["cnbkit/start"][VERSIONS["cnbkit/start"]]["layerDiffID"]
    settings = dict(image.config["config"])
    settings["Labels"] = {
        **image.labels,
        "io.buildpacks.buildpack.layers": layers.replace(digest, "sha256:" + "0" * 64),
    }
    layout = Layout(tmp_path / "broken")
    for layer in image.layers:
        layout.adopt(store.blob_path(layer.digest))
    made = layout.image({**image.config, "config": settings}, [], list(image.manifest["layers"]))
    layout.finish(made)
    broken = f"{registry}/acme/broken:1"
    Remote(broken).push(layout.path, Descriptor.parse(made))
    code, _, fault = _make(kpack, broken, parts, name)
    assert code == 1
    assert "unable to get layer cnbkit/start@" in fault
    with pytest.raises(Exception, match="there is no image"):
        Remote(name).digest()

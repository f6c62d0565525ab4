"""Builder images: cnbkit's beside pack's, and of packages for builders without Python."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tarfile
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit.errors import BuildpackFault, CnbkitError, UserFault
from cnbkit_engine.base.images import BaseImages
from cnbkit_engine.base.recipe import EPOCH
from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.builder.image import BuilderImage
from cnbkit_engine.buildpack.package import Package
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home
from cnbkit_engine.state.locks import made_once
from cnbkit_engine.testing.pack import PackEngine

from ..standalone import pack_standalone
from .conftest import OWNER, ROOT

OWN = f"python{DEFAULT.python}"
"""What /usr/bin/python3 of the build root is."""

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.testing.pack_services import PackServices


@pytest.fixture(scope="session")
def root() -> Path:
    """The build root all builds on this machine share."""
    home = Home.default()
    return BaseImages(home, ImageStore(home.images)).ensure_build_root()


def _fetched(reference: str, folder: Path, arch: str) -> tuple[ImageStore, Image]:
    store = ImageStore(folder)
    Remote(reference).pull(folder, arch)
    return store, Image.from_store(store, store.names()[0])


def _tree(store: ImageStore, image: Image, below: int) -> dict[str, tuple[Any, ...]]:
    """Type, mode, owner and content of what the layers above the base put there."""
    found: dict[str, tuple[Any, ...]] = {}
    for layer in image.layers[below:]:
        with tarfile.open(store.blob_path(layer.digest)) as archive:
            for item in archive:
                content = archive.extractfile(item) if item.isreg() else None
                digest = hashlib.sha256(content.read()).hexdigest() if content else item.linkname
                # Nobody heeds the permissions of a link.
                mode = 0 if item.issym() else item.mode & 0o7777
                name = "/" + item.name.strip("/")
                found[name] = (item.type, mode, item.uid, item.gid, item.mtime, digest)
    return found


def test_cnbkit_and_pack_make_the_same_builder(
    pack_services: PackServices,
    build_image: str,
    lifecycle_archive: Path,
    root: Path,
    tmp_path: Path,
) -> None:
    home, arch = Home.default(), pack_services.arch
    start = Package(ROOT / "buildpacks" / "start", lambda: root, targets=[arch])
    start.save(home, tmp_path / "start.cnb")
    # As others make packages; and this one from a registry.
    motd = f"{pack_services.registry}/samples/motd:1"
    foreign = ROOT / "tests" / "examples" / "foreign"
    (tmp_path / "package.toml").write_text(f'[buildpack]\nuri = "{foreign / "motd"}"\n')
    package = ["buildpack", "package", motd, "--config", str(tmp_path / "package.toml")]
    pack_services.pack(*package, "--target", f"linux/{arch}", "--publish")
    mirror = pack_services.run_image.replace("127.0.0.1", "localhost")
    builder = tmp_path / "builder.toml"
    builder.write_text(
        'description = "Two"\n'
        f'[build]\nimage = "{build_image}"\n'
        '[[build.env]]\nname = "BP_SEEN"\nvalue = "a"\nsuffix = "append"\ndelim = ":"\n'
        f'[run]\n[[run.images]]\nimage = "{pack_services.run_image}"\nmirrors = ["{mirror}"]\n'
        f'[lifecycle]\nuri = "{lifecycle_archive}"\n'
        f'[[buildpacks]]\nuri = "start.cnb"\n[[buildpacks]]\nimage = "{motd}"\n'
        '[[order]]\n[[order.group]]\nid = "samples/motd"\nversion = "0.0.1"\noptional = true\n'
        '[[order.group]]\nid = "cnbkit/start"\nversion = "0.1.0"\n'
    )
    theirs = f"{pack_services.registry}/builder:pack"
    pack_services.pack("builder", "create", theirs, "--config", str(builder), "--publish")
    ours = f"{pack_services.registry}/builder:cnbkit"
    digest = BuilderImage(builder).publish(home, ours)
    assert BuilderImage(builder).publish(home, ours) == digest  # the same bytes again

    BuilderImage(builder).save(home, "oci", tmp_path / "layout")
    BuilderImage(builder).save(home, "oci-archive", tmp_path / "builder.tar")
    for place in (f"oci:{tmp_path}/layout:latest", f"oci-archive:{tmp_path}/builder.tar"):
        told = json.loads(subprocess.check_output(["skopeo", "inspect", place]))
        assert told["Digest"] == digest.partition("@")[2]

    (one_store, one), (two_store, two) = (
        _fetched(name, tmp_path / name.rpartition(":")[2], arch) for name in (theirs, ours)
    )
    assert (one.env, one.user, one.working_dir) == (two.env, two.user, two.working_dir)
    assert one.platform == two.platform
    labels: list[dict[str, Any]] = [
        {key: json.loads(value) if value[:1] in "[{n" else value for key, value in each.items()}
        for each in (one.labels, two.labels)
    ]
    for each in labels:
        metadata = each["io.buildpacks.builder.metadata"]
        assert metadata.pop("createdBy")["name"] in ("Pack CLI", "cnbkit")
        # pack leaves out what the labels of packages do not say of a buildpack.
        known = ("id", "version", "name", "homepage")
        metadata["buildpacks"] = sorted(
            [{key: each.get(key) for key in known} for each in metadata["buildpacks"]],
            key=lambda module: str(module["id"]),
        )
        # Platforms from before [run] look here; pack fills it only where there is a [stack].
        assert metadata.pop("stack")["runImage"]["image"] in ("", pack_services.run_image)
        # Two ways to say that there are none.
        metadata["extensions"] = metadata["extensions"] or []
        extensions = "io.buildpacks.buildpack.order-extensions"
        each[extensions] = each.get(extensions) or []
        # The same files, in tars of another library: their digests differ.
        for versions in each["io.buildpacks.buildpack.layers"].values():
            for told in versions.values():
                assert told.pop("layerDiffID").startswith("sha256:")
    # Ours says besides what a registry's page shows.
    more = {key: labels[1].pop(key) for key in labels[1].keys() - labels[0].keys()}
    assert all(key.startswith("org.opencontainers.image.") for key in more), more
    assert more["org.opencontainers.image.base.name"].endswith("/build:1")
    assert labels[0] == labels[1]

    base = len(_fetched(build_image, tmp_path / "base", arch)[1].layers)
    trees = [_tree(one_store, one, base), _tree(two_store, two, base)]
    for store, image, tree in ((one_store, one, trees[0]), (two_store, two, trees[1])):
        for name in ("order", "run", "stack"):
            # pack's library spells TOML in another way; what it says is the same.
            entry = tree.pop(f"/cnb/{name}.toml")
            assert entry[:5] == (tarfile.REGTYPE, 0o644, 0, 0, EPOCH)
            tree[f"/cnb/{name}.toml"] = (tomllib.loads(_read(store, image, f"/cnb/{name}.toml")),)
    assert trees[0] == trees[1]
    inspected = pack_services.pack("builder", "inspect", ours, "--output", "json").stdout
    said = json.loads(inspected[inspected.index("{") :])["remote_info"]
    assert said["created_by"]["name"] == "cnbkit"
    assert {each["id"] for each in said["buildpacks"]} == {"cnbkit/start", "samples/motd"}


def _read(store: ImageStore, image: Image, name: str) -> str:
    for layer in reversed(image.layers):
        with tarfile.open(store.blob_path(layer.digest)) as archive:
            for item in archive:
                if "/" + item.name.strip("/") == name:
                    content = archive.extractfile(item)
                    assert content is not None
                    return content.read().decode()
    raise AssertionError(f"there is no {name}")


@pytest.fixture(scope="session")
def glibc_and_shell() -> Path:
    """The files of Debian 13 that glibc and a shell are, and a user; made once a machine."""

    def make(folder: Path) -> None:
        folder.mkdir()
        user = (
            'echo cnb:x:1000:1000::/home/cnb:/bin/sh >>"$1/etc/passwd"; '
            'echo cnb:x:1000: >>"$1/etc/group"; '
            'mkdir -p "$1/home/cnb"; chown 1000:1000 "$1/home/cnb"'
        )
        whole = folder / "whole.tar"
        command = [
            *("mmdebstrap", "--quiet", "--variant=essential"),
            *(f"--customize-hook={user}", "trixie", str(whole)),
        ]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        _keep_glibc_and_shell(whole, folder / "files.tar")
        whole.unlink()

    return made_once(Home.default().base / "test-glibc-and-shell", make) / "files.tar"


def _keep_glibc_and_shell(whole: Path, kept: Path) -> None:
    with tarfile.open(whole) as source, tarfile.open(kept, "w") as target:
        names = {item.name.strip("./"): item for item in source}
        wanted = {"etc", "etc/passwd", "etc/group", "etc/os-release", "usr/lib/os-release"}
        wanted |= {"bin", "lib", "lib64", "home", "home/cnb", "tmp"}
        # glibc's own package depends on the one of libgcc_s, which ends threads.
        for package in ("libc6:amd64", "libc6:arm64", "libgcc-s1:amd64", "libgcc-s1:arm64", "dash"):
            if listed := names.get(f"var/lib/dpkg/info/{package}.list"):
                content = source.extractfile(listed)
                assert content is not None
                wanted |= {line.strip("/") for line in content.read().decode().splitlines()}
        for name, item in names.items():
            if name in wanted and not name.startswith("usr/share"):
                target.addfile(item, source.extractfile(item) if item.isreg() else None)
        held = {name for name in names if name in wanted}
        assert {"usr/bin/dash", "usr/bin/sh"} <= held
        assert not {"usr/bin/cat", "usr/bin/python3"} & held


def test_a_package_with_its_python_needs_glibc_and_a_shell_of_the_builder(
    pack_services: PackServices, glibc_and_shell: Path, root: Path, tmp_path: Path
) -> None:
    docker, registry = pack_services.docker, pack_services.registry
    base, run = f"{registry}/debian-build:13", f"{registry}/debian-run:13"
    changes = [
        "USER 1000:1000",
        *(f"ENV {each}" for each in OWNER),
        'LABEL io.buildpacks.base.distro.name="debian" io.buildpacks.base.distro.version="13"',
    ]
    options = [option for change in changes for option in ("--change", change)]
    docker.docker("import", *options, str(glibc_and_shell), base)
    docker.docker("tag", base, run)
    for name in (base, run):
        docker.docker("push", "--quiet", name)

    archive = tmp_path / "cpython.tar"
    address = f"{archive}#sha256={pack_standalone(root, OWN, archive, libraries=True)}"
    said: list[str] = []
    package = Package(
        ROOT / "examples" / "buildpacks" / "wordcount",
        lambda: root,
        targets=[pack_services.arch],
        runtimes=[address],
        show=said.append,
    )
    package.save(Home.default(), tmp_path / "standalone.cnb")
    assert any("starts in" in line for line in said)
    assert any("needs nothing of a build image besides glibc and a shell" in line for line in said)
    builder = tmp_path / "builder.toml"
    builder.write_text(
        f'[build]\nimage = "{base}"\n[run]\n[[run.images]]\nimage = "{run}"\n'
        '[[buildpacks]]\nuri = "standalone.cnb"\n'
        '[[order]]\n[[order.group]]\nid = "examples/wordcount"\n'
    )
    image = f"{registry}/builder:13"
    BuilderImage(builder).publish(Home.default(), image)
    app = tmp_path / "app"
    (app / "pages").mkdir(parents=True)
    (app / "pages" / "one.md").write_text("one two two\n")
    engine = PackEngine(pack_services)
    first = engine.build(app, "debian-13", image, {})
    assert first.code == 0, first.log
    again = engine.build(app, "debian-13", image, {})
    assert again.states["examples/wordcount:total"] == "reused", again.log
    assert again.image is not None
    assert again.image.labels["io.buildpacks.base.distro.version"] == "13"


@pytest.mark.parametrize(
    ("text", "fault", "what"),
    [
        ("", UserFault, "the builder names no run image"),
        (
            '[run]\n[[run.images]]\nimage = "store.localhost:5095/cnbkit/run:bookworm"\n',
            UserFault,
            "is a name only cnbkit's own builds know",
        ),
        ('[lifecycle]\nversion = "0.1.0"\n', UserFault, "not 0.1.0"),
        ('[lifecycle]\nuri = "none.tgz"\n', UserFault, "there is no archive none.tgz"),
        ('[build]\nimage = "127.0.0.1:9/none:1"\n', CnbkitError, "cannot reach the registry"),
        ('[[buildpacks]]\nuri = "none"\n', BuildpackFault, "none is not a folder of a buildpack"),
        ('[[order]]\n[[order.group]]\nid = "a/b"\n', BuildpackFault, "names a/b, which no"),
    ],
)
def test_what_stops_a_builder_is_said_and_nothing_is_published(
    pack_services: PackServices,
    build_image: str,
    tmp_path: Path,
    text: str,
    fault: type[CnbkitError],
    what: str,
) -> None:
    start = ROOT / "tests" / "examples" / "foreign" / "motd"
    builder = tmp_path / "builder.toml"
    image = "" if "[build]" in text else f'[build]\nimage = "{build_image}"\n'
    builder.write_text(f'{image}{text}\n[[buildpacks]]\nuri = "{start}"\n')
    name = f"{pack_services.registry}/broken:1"
    run_image = "" if "run" in what or "builds know" in what else pack_services.run_image
    with pytest.raises(fault, match=what):
        BuilderImage(builder, run_image=run_image).publish(Home.default(), name)
    with pytest.raises(UserFault, match="there is no image"):
        Remote(name).digest()


def test_buildpacks_that_do_not_fit_together_are_all_named(
    pack_services: PackServices, build_image: str, tmp_path: Path
) -> None:
    for name, inner in (("a", "b"), ("b", "a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "buildpack.toml").write_text(
            f'api = "0.10"\n[buildpack]\nid = "x/{name}"\nversion = "1.0.0"\n'
            f'[[order]]\n[[order.group]]\nid = "x/{inner}"\nversion = "1.0.0"\n'
            '[[order.group]]\nid = "x/gone"\nversion = "2.0.0"\n'
        )
    builder = tmp_path / "builder.toml"
    builder.write_text(
        f'[build]\nimage = "{build_image}"\n[[buildpacks]]\nuri = "a"\n[[buildpacks]]\nuri = "b"\n'
        '[[order]]\n[[order.group]]\nid = "x/a"\n'
    )
    with pytest.raises(BuildpackFault) as caught:
        BuilderImage(builder, run_image=pack_services.run_image).publish(
            Home.default(), f"{pack_services.registry}/broken:2"
        )
    assert (caught.value.detail or "").splitlines() == [
        "x/a@1.0.0 names x/gone@2.0.0, which the builder does not have",
        "x/b@1.0.0 names x/gone@2.0.0, which the builder does not have",
        "x/a@1.0.0 holds itself",
        "x/b@1.0.0 holds itself",
    ]

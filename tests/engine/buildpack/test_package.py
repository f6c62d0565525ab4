"""Packages: what is in them, that they come out the same, and what stops one."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tarfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.commands import output

from cnbkit.errors import BuildpackFault, CnbkitError, UserFault
from cnbkit_engine.base.images import BaseImages
from cnbkit_engine.base.suites import DEFAULT, SUITES
from cnbkit_engine.builder.folder import ensure_builder
from cnbkit_engine.buildpack.assemble import Runtime
from cnbkit_engine.buildpack.composite import Composite
from cnbkit_engine.buildpack.launcher import main_module
from cnbkit_engine.buildpack.locator import Finder
from cnbkit_engine.buildpack.members import members
from cnbkit_engine.buildpack.module import Module
from cnbkit_engine.buildpack.package import Package
from cnbkit_engine.buildpack.python_runtime import ANY_PYTHON
from cnbkit_engine.buildpack.source import BuildpackSource
from cnbkit_engine.oci.archive import read_archive
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.oci.unpack import unpack_layer
from cnbkit_engine.state.home import Home

from ...standalone import pack_standalone

if TYPE_CHECKING:
    from .conftest import WriteBuildpack

TAG = "cpython-" + DEFAULT.python.replace(".", "")
"""Of bytecode, and of what is compiled."""

REPOSITORY = Path(__file__).resolve().parents[3]
OURS = {
    "buildpack.toml": 'api = "0.12"\n[buildpack]\nid = "test/hello"\nversion = "1.2.3"\n'
    'name = "Hello"\nhomepage = "https://example.org"\n[[buildpack.licenses]]\ntype = "MIT"\n'
    '[[targets]]\nos = "linux"\narch = "amd64"\n[[targets]]\nos = "linux"\narch = "arm64"\n'
    '[metadata.cnbkit]\nentry = "hello:Hello"\n',
    "hello.py": "from cnbkit import BuildContext, Buildpack, BuildResult, Plan, Triggers\n"
    "class Hello(Buildpack):\n"
    "    triggers = Triggers('hello.txt')\n"
    "    def build(self, ctx: BuildContext) -> BuildResult:\n"
    "        return BuildResult()\n",
    "README.md": "Says hello.\n",
}


def _ours(folder: Path) -> Path:
    for name, text in OURS.items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def _package(directory: Path, root: Path, **options: Any) -> Package:
    return Package(directory, lambda: root, show=print, **options)


def _read(file: Path, folder: Path) -> Image:
    read_archive(file, folder)
    store = ImageStore(folder)
    return Image.from_store(store, store.names()[0])


@pytest.mark.fetches
def test_the_same_sources_give_the_same_bytes(tmp_path: Path, home: Home, root: Path) -> None:
    first, second = _ours(tmp_path / "one" / "hello"), _ours(tmp_path / "two" / "copied")
    for path in second.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o600)
        os.chown(path, 65534, 65534)
    (second / "__pycache__").mkdir()
    (second / "__pycache__" / "old.pyc").touch()
    files = []
    for number, (folder, mask) in enumerate(((first, 0o022), (second, 0o077))):
        before = os.umask(mask)
        try:
            target = tmp_path / f"out-{number}" / "hello.cnb"
            (file,) = _package(folder, root, targets=["amd64"]).save(home, target)
        finally:
            os.umask(before)
        files.append(file.read_bytes())
    assert files[0] == files[1]
    assert not list(home.tmp.glob("*"))


def test_the_labels_are_those_pack_writes(tmp_path: Path, home: Home, root: Path) -> None:
    out = tmp_path / "hello.cnb"
    files = _package(_ours(tmp_path / "hello"), root).save(home, out)
    assert [file.name for file in files] == ["hello-linux-amd64.cnb", "hello-linux-arm64.cnb"]
    images = [_read(file, tmp_path / file.stem) for file in files]
    assert [image.platform for image in images] == ["linux/amd64", "linux/arm64"]
    labels = images[0].labels
    assert json.loads(labels["io.buildpacks.buildpackage.metadata"]) == {
        "id": "test/hello",
        "version": "1.2.3",
        "name": "Hello",
        "homepage": "https://example.org",
        "licenses": [{"Type": "MIT", "URI": ""}],
        "stacks": [{"id": "*"}],
    }
    about = {
        "org.opencontainers.image.title": "Hello",
        "org.opencontainers.image.version": "1.2.3",
        "org.opencontainers.image.url": "https://example.org",
        "org.opencontainers.image.licenses": "MIT",
    }
    assert images[0].manifest["annotations"] == about
    assert {key: labels[key] for key in about} == about
    (layer,) = images[0].layers
    targets = [{"os": "linux", "arch": arch} for arch in ("amd64", "arm64")]
    assert json.loads(labels["io.buildpacks.buildpack.layers"]) == {
        "test/hello": {
            "1.2.3": {
                "api": "0.12",
                "targets": targets,
                "layerDiffID": layer.diff_id,
                "homepage": "https://example.org",
                "name": "Hello",
            }
        }
    }
    blob = (tmp_path / files[0].stem / "blobs/sha256" / layer.digest[7:]).open("rb")
    with blob, tarfile.open(fileobj=blob, mode="r:gz") as archive:
        items = archive.getmembers()
    # pack looks for these two folders to tell one buildpack of a layer from the next.
    names = [item.name for item in items]
    assert names[:2] == ["/cnb/buildpacks/test_hello", "/cnb/buildpacks/test_hello/1.2.3"]
    assert {(item.uid, item.gid, item.mtime) for item in items} == {(0, 0, 315532801)}
    modes = {
        name.removeprefix(names[1]): item.mode for name, item in zip(names, items, strict=True)
    }
    assert (modes["/bin/build"], modes["/buildpack.toml"], modes["/bin"]) == (0o755, 0o644, 0o755)
    compiled = [name for name in names if name.endswith(".so")]
    assert any(f"{TAG}-x86_64" in name for name in compiled)
    # What is compiled is the target's.
    other = (tmp_path / files[1].stem / "blobs/sha256" / images[1].layers[0].digest[7:]).open("rb")
    with other, tarfile.open(fileobj=other, mode="r:gz") as archive:
        compiled = [name for name in archive.getnames() if name.endswith(".so")]
    assert compiled
    assert all(f"{TAG}-aarch64" in name for name in compiled)


@pytest.mark.fetches
def test_one_file_may_hold_the_packages_of_all_targets(
    tmp_path: Path, home: Home, root: Path
) -> None:
    source, out = _ours(tmp_path / "hello"), tmp_path / "hello.cnb"
    (file,) = _package(source, root).save(home, out, together=True)
    assert file == out
    apart = _package(source, root).save(home, tmp_path / "apart.cnb")
    for arch, single in zip(("amd64", "arm64"), apart, strict=True):
        found = [
            Finder(tmp_path / f"{arch}-{each.stem}", arch, _no_registry).find(
                str(each), "", tmp_path / "package.toml"
            )
            for each in (file, single)
        ]
        [[together], [by_itself]] = found
        assert (together.id, together.version) == ("test/hello", "1.2.3")
        files = [
            {
                path.relative_to(part.directory): path.read_bytes()
                for path in _regular(part.directory)
            }
            for part in (together, by_itself)
        ]
        assert files[0] == files[1]
        [library] = [path for path in files[0] if path.name.startswith("_pydantic_core.")]
        assert {"amd64": "x86_64", "arm64": "aarch64"}[arch] in library.name


def _regular(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def test_the_reference_composite_has_the_order_of_the_reference_builder(tmp_path: Path) -> None:
    builder = tomllib.loads((REPOSITORY / "builder" / "builder.toml").read_text())
    composite = Composite(REPOSITORY / "builder" / "ml")
    parts, order = members(composite, Finder(tmp_path / "found", "amd64", _no_registry))
    composite.write(tmp_path / "ml", order)
    module = Module(tmp_path / "ml")
    there = {(part.id, part.version) for part in parts}
    found = [[(entry["id"], entry["optional"]) for entry in each["group"]] for each in module.order]
    assert found == [
        [(entry["id"], entry.get("optional", False)) for entry in each["group"]]
        for each in builder["order"]
    ]
    named = [(entry["id"], entry["version"]) for each in module.order for entry in each["group"]]
    assert set(named) == there
    assert module.id == "cnbkit/ml"


def _no_registry(name: str, _layout: Path) -> None:
    raise AssertionError(f"{name} is asked for")


def test_flattened_buildpacks_share_one_layer(
    tmp_path: Path, home: Home, root: Path, bash: WriteBuildpack, composite: WriteBuildpack
) -> None:
    bash("a/one"), bash("a/two")
    order = {"a/one": "1.0.0", "a/two": "1.0.0"}
    folder = composite("a/all", order, ["../a-one", "../a-two"])
    (flat,) = _package(folder, root, flatten=True).save(home, tmp_path / "flat.cnb")
    (several,) = _package(folder, root).save(home, tmp_path / "several.cnb")
    assert len(_read(several, tmp_path / "several").layers) == 3
    image = _read(flat, tmp_path / "flat")
    (layer,) = image.layers
    known = json.loads(image.labels["io.buildpacks.buildpack.layers"])
    assert {version["layerDiffID"] for each in known.values() for version in each.values()} == {
        layer.diff_id
    }
    # A composite of a package is opened like one of folders.
    (tmp_path / "builder.toml").write_text(
        '[[buildpacks]]\nuri = "flat.cnb"\n[[order]]\n[[order.group]]\nid = "a/all"\n'
    )
    assembled = ensure_builder(home, tmp_path / "builder.toml", Runtime(), root)
    there = sorted(path.name for path in (assembled / "buildpacks").iterdir())
    assert there == ["a_all", "a_one", "a_two"]


def test_a_composite_holds_just_what_its_order_names(
    tmp_path: Path, home: Home, root: Path, bash: WriteBuildpack, composite: WriteBuildpack
) -> None:
    bash("a/one"), bash("a/two")
    folder = composite("a/all", {"a/one": "2.0.0", "a/three": ""}, ["../a-one", "../a-two"])
    with pytest.raises(BuildpackFault) as caught:
        _package(folder, root).save(home, tmp_path / "all.cnb")
    assert (caught.value.detail or "").splitlines() == [
        "a/all@1.0.0: group 1 names a/one@2.0.0, which is not there",
        "a/all@1.0.0: group 1 names a/three without a version",
        "a/one@1.0.0 comes with it, but no group names it",
        "a/two@1.0.0 comes with it, but no group names it",
    ]
    assert not list(tmp_path.glob("*.cnb*"))


def test_a_composite_of_itself_is_found(
    tmp_path: Path, home: Home, root: Path, composite: WriteBuildpack
) -> None:
    composite("a/inner", {"a/outer": "1.0.0"}, ["../a-outer"])
    outer = composite("a/outer", {"a/inner": "1.0.0"}, ["../a-inner"])
    with pytest.raises(BuildpackFault, match="the composite a/outer holds itself"):
        _package(outer, root).save(home, tmp_path / "all.cnb")


@pytest.mark.parametrize(
    ("dependency", "kind", "what"),
    [
        ("../arm.cnb", UserFault, "the package is for linux/arm64, not for linux/amd64"),
        ("../text.cnb", UserFault, "not a package"),
        ("../cut.cnb", CnbkitError, "damaged|not a package|lacks the blob"),
        ("../none", BuildpackFault, "is not a folder of a buildpack and no package"),
        ("docker://127.0.0.1:9/a/b", CnbkitError, "cannot reach the registry 127.0.0.1:9"),
    ],
)
def test_a_dependency_that_cannot_be_used_is_explained(
    tmp_path: Path,
    home: Home,
    root: Path,
    bash: WriteBuildpack,
    composite: WriteBuildpack,
    dependency: str,
    kind: type[CnbkitError],
    what: str,
) -> None:
    arm = bash("a/one", "1.0.0", "arm64")
    (tmp_path / "text.cnb").write_text("hello")
    (file,) = _package(arm, root).save(home, tmp_path / "arm.cnb")
    (tmp_path / "cut.cnb").write_bytes(file.read_bytes()[:2000])
    folder = composite("a/all", {"a/one": "1.0.0"}, [dependency])
    with pytest.raises(kind, match=what):
        _package(folder, root, targets=["amd64"]).save(home, tmp_path / "all.cnb")
    assert not (tmp_path / "all.cnb").exists()


@pytest.mark.full
def test_a_standalone_package_brings_its_python(tmp_path: Path, home: Home, root: Path) -> None:
    archive = tmp_path / "cpython.tar.gz"
    # It runs on this machine, whose C library may be as old as the oldest base's.
    suite, shared = SUITES["bookworm"], Home.default()
    oldest = BaseImages(shared, ImageStore(shared.images), suite=suite)
    own = f"python{suite.python}"
    digest = pack_standalone(oldest.ensure_build_root(), own, archive)
    said: list[str] = []
    package = Package(
        _ours(tmp_path / "hello"),
        lambda: root,
        runtimes=[f"{archive}#sha256={digest}"],
        show=said.append,
    )
    (file,) = package.save(home, tmp_path / "hello.cnb")
    assert any(" MB compressed" in line for line in said)
    assert any("starts in" in line for line in said)
    # Debian's, of which the archive is made; the public builds bring theirs.
    [needs] = [line for line in said if " needs " in line]
    assert "libexpat.so.1" in needs
    image = _read(file, tmp_path / "layout")
    (layer,) = image.layers
    assert layer.size < 18_000_000
    unpacked = tmp_path / "unpacked"
    with (tmp_path / "layout/blobs/sha256" / layer.digest[7:]).open("rb") as blob:
        unpack_layer(blob, unpacked)
    assert not [*unpacked.rglob("idlelib"), *unpacked.rglob("lib2to3"), *unpacked.rglob("pip")]
    # It runs where no other Python is.
    buildpack = unpacked / "cnb/buildpacks/test_hello/1.2.3"
    assert '"${0%/*}/../runtime/bin/python3" -I -S' in (buildpack / "bin/build").read_text()
    plan, layers = tmp_path / "plan.toml", tmp_path / "layers"
    plan.touch()
    layers.mkdir()
    done = subprocess.run(
        [buildpack / "bin" / "build"],
        cwd=tmp_path,
        env={
            "PATH": "",
            "CNB_LAYERS_DIR": str(layers),
            "CNB_PLATFORM_DIR": str(tmp_path),
            "CNB_BP_PLAN_PATH": str(plan),
            "CNB_BUILDPACK_DIR": str(buildpack),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"no archive", "this archive is not a relocatable Python"),
        (b"", "this archive is not a relocatable Python"),
    ],
)
def test_an_archive_that_is_no_python_is_refused(
    tmp_path: Path, home: Home, root: Path, content: bytes, what: str
) -> None:
    (tmp_path / "x.tar.gz").write_bytes(content)
    address = f"{tmp_path}/x.tar.gz#sha256={hashlib.sha256(content).hexdigest()}"
    with pytest.raises(UserFault, match=what):
        _package(_ours(tmp_path / "hello"), root, runtimes=[address]).save(home, tmp_path / "a.cnb")


@pytest.mark.full  # it needs the second base
def test_a_package_for_any_python_has_bytecode_of_the_bases_and_runs_on_theirs(
    tmp_path: Path, home: Home, root: Path
) -> None:
    folder = _ours(tmp_path / "hello")
    (folder / "hello.py").write_text(
        OURS["hello.py"].replace(
            "        return BuildResult()",
            "        import pydantic_core, sys\n"
            "        from cnbkit.spec.launch import Launch\n"
            "        Launch.loads(b'', name='x', where='x')\n"
            "        cached = getattr(sys.modules['hello'], '__cached__', '')\n"
            "        ctx.log.info(f'{sys.version_info[:2]} {pydantic_core.__version__} {cached}')\n"
            "        return BuildResult()",
        )
    )
    default = Home.default()
    second = next(suite for suite in SUITES.values() if suite is not DEFAULT)
    bases = BaseImages(default, ImageStore(default.images), suite=second)
    other = home.base / bases.ensure_build_root().name
    package = _package(
        folder,
        root,
        targets=["amd64"],
        also={second.python: lambda: other},
        further=ANY_PYTHON,
    )
    (file,) = package.save(home, tmp_path / "hello.cnb")
    (layer,) = _read(file, tmp_path / "layout").layers
    with (tmp_path / "layout/blobs/sha256" / layer.digest[7:]).open("rb") as blob:
        unpack_layer(blob, tmp_path / "unpacked")
    buildpack = tmp_path / "unpacked/cnb/buildpacks/test_hello/1.2.3"
    names = {path.name.split(".")[1] for path in buildpack.rglob("_pydantic_core.*.so")}
    tags = {f"cpython-{version.replace('.', '')}" for version in ANY_PYTHON}
    assert {name[:11] for name in names} == tags
    compiled = {path.name.split(".")[-2] for path in buildpack.rglob("*.pyc")}
    assert compiled == {"cpython-311", "cpython-313"}
    for suite, system in ((DEFAULT, root), (second, other)):
        done = _built_in(system, tmp_path / "unpacked/cnb")
        assert f"({suite.python.replace('.', ', ')}) 2." in done, done
        assert f"hello.cpython-{suite.python.replace('.', '')}.pyc" in done, done


def _built_in(system: Path, folder: Path) -> str:
    """What a package prints that builds in a root file system."""
    script = (
        "mkdir /tmp/layers /tmp/platform; touch /tmp/plan; export CNB_LAYERS_DIR=/tmp/layers"
        " CNB_PLATFORM_DIR=/tmp/platform CNB_BP_PLAN_PATH=/tmp/plan CNB_TARGET_OS=linux"
        " CNB_TARGET_ARCH=amd64 CNB_BUILDPACK_DIR=/cnb/buildpacks/test_hello/1.2.3;"
        " cd /workspace; exec $CNB_BUILDPACK_DIR/bin/build"
    )
    return output(
        *("bwrap", "--unshare-all", "--ro-bind", system, "/", "--ro-bind", folder, "/cnb"),
        *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--clearenv"),
        *("--setenv", "PATH", "/usr/bin", "sh", "-c", script),
    )


def test_a_package_for_another_python_says_so(tmp_path: Path) -> None:
    main = tmp_path / "main.py"
    main.write_text(main_module(BuildpackSource(_ours(tmp_path / "hello")), "3.2"))
    done = subprocess.run(["python3", main, "build"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "test/hello was packaged for Python 3.2, the build image has 3." in done.stderr
    assert "--python bundled" in done.stderr

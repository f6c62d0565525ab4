"""A build of what has been built is answered by the image; any change of an input runs it."""

from __future__ import annotations

import hashlib
import os
import uuid
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.build.build import Build
from cnbkit_engine.build.cache import app_cache
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.sandbox.sandbox import Bind
from cnbkit_engine.state.home import Home
from cnbkit_engine.state.workspace import remove_tree

from ..plain_registry import PlainRegistry
from .conftest import cnbkit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cnbkit_engine.build.build import Outcome

BUILD = """#!/bin/sh
set -e
mkdir -p "$1/data"
cp /workspace/word "$1/data/"
cat /platform/bindings/*/* > "$1/data/bound" 2>/dev/null || true
printf '[types]\\nlaunch = true\\n' > "$1/data.toml"
printf 'repeatable\\n' > "$1/.cnbkit-report.tsv"
"""
DESCRIPTOR = """\
api = "0.10"
[buildpack]
id = "test/data"
version = "1.0.0"
[[targets]]
os = "linux"
"""
BUILDER = """\
[[buildpacks]]
uri = "data"
[[order]]
[[order.group]]
id = "test/data"
"""


class Case:
    """An app, its builder, and what has been built of it."""

    def __init__(self, folder: Path) -> None:
        self.home = Home.default()
        self.store = ImageStore(self.home.images)
        self.app = folder / "app"
        self.binding = folder / "binding"
        self.buildpack = folder / "data"
        self.builder = folder / "builder.toml"
        (self.app / "deep").mkdir(parents=True)
        (self.app / "word").write_text("one\n")
        (self.app / "deep" / "file").write_text("of the app\n")
        (self.app / "link").symlink_to("word")
        self.binding.mkdir()
        (self.binding / "type").write_text("test")
        # The store is all tests': a layer that one of them tears is in no other's image.
        (self.binding / "own").write_text(uuid.uuid4().hex)
        (self.buildpack / "bin").mkdir(parents=True)
        (self.buildpack / "buildpack.toml").write_text(DESCRIPTOR)
        self.script("detect", "#!/bin/sh\n")
        self.script("build", BUILD)
        self.builder.write_text(BUILDER)
        self.said: list[str] = []
        self.request = Build(
            app=self.app,
            name=f"test-{uuid.uuid4().hex[:12]}",
            builder=self.builder,
            env={"BP_WORD": "a"},
            volumes=(Bind(self.binding, "/platform/bindings/one"),),
            network="host",
            show=self.said.append,
        )

    def script(self, name: str, text: str) -> None:
        """Write a program of the buildpack."""
        path = self.buildpack / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def run(self, **options: object) -> Outcome:
        """Build, with some options changed for good."""
        self.request = replace(self.request, **options)  # type: ignore[arg-type]
        return self.request.run(self.home)

    @property
    def cache(self) -> Path:
        """Where the record is."""
        return app_cache(self.home, Reference.parse(self.request.name))

    def close(self) -> None:
        """Remove what it made."""
        remove_tree(self.cache)
        if self.request.name in {name.removesuffix(":latest") for name in self.store.names()}:
            self.store.remove(self.request.name)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    case = Case(tmp_path)
    yield case
    case.close()


def _write(place: Callable[[Case], Path], text: str) -> Callable[[Case], object]:
    return lambda case: place(case).write_text(text)


def _same_size_and_time(case: Case) -> None:
    word = case.app / "word"
    status = word.stat()
    word.write_text("two\n")
    os.utime(word, ns=(status.st_atime_ns, status.st_mtime_ns))


CHANGES: dict[str, Callable[[Case], object]] = {
    "contents of a file": _write(lambda case: case.app / "word", "two\n"),
    "contents of the same size and time": _same_size_and_time,
    "a file more": _write(lambda case: case.app / "deep" / "other", "of the app\n"),
    "a file less": lambda case: (case.app / "deep" / "file").unlink(),
    "another name": lambda case: (case.app / "deep" / "file").rename(case.app / "deep" / "f"),
    "the right to run": lambda case: (case.app / "word").chmod(0o755),
    "where a link points": lambda case: _relink(case),
    "an empty folder": lambda case: (case.app / "empty").mkdir(),
    "which files count": _write(lambda case: case.app / ".dockerignore", "deep\n"),
    "variables of project.toml": _write(
        lambda case: case.app / "project.toml",
        '[_]\nschema-version = "0.2"\n[[io.buildpacks.build.env]]\nname = "X"\nvalue = "1"\n',
    ),
    "contents of a binding": _write(lambda case: case.binding / "secret", "hush"),
    "code of a buildpack": lambda case: case.script("build", BUILD + "echo more\n"),
    "the builder": lambda case: case.builder.write_text(
        BUILDER + '[[build.env]]\nname = "BP_MORE"\nvalue = "1"\n'
    ),
    "the image's name has gone": lambda case: case.store.remove(case.request.name),
    "the image's name stands for another": lambda case: case.store.put_manifest(
        case.request.name,
        (run := case.store.resolve(f"cnbkit/run:{DEFAULT.name}")).media_type,
        case.store.read_blob(run.digest),
    ),
    "a layer of the image is torn": lambda case: _tear(case),
    "the record is damaged": _write(lambda case: case.cache / "inputs.json", '{"inputs": [1]}'),
}
OPTIONS: dict[str, dict[str, object]] = {
    "a variable": {"env": {"BP_WORD": "b"}},
    "no bindings": {"volumes": ()},
    "the creation time": {"created": "1700000000"},
    "what it is for": {"exec_env": "test"},
    "the hardware": {"env": {"BP_WORD": "a", "BP_HARDWARE": "cpu"}},
    "the base": {"base": "trixie"},
    "asked for": {"force": True},
    "with an empty cache": {"clear_cache": True},
}


def _relink(case: Case) -> None:
    (case.app / "link").unlink()
    (case.app / "link").symlink_to("deep")


def _tear(case: Case) -> None:
    image = Image.from_store(case.store, case.request.name)
    layer = next(each for each in image.layers if each.what == "test/data:data")
    path = case.store.blob_path(layer.digest)
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data[:-1])


def test_what_has_been_built_is_not_built_again(case: Case) -> None:
    first = case.run()
    assert not first.unchanged
    case.said.clear()
    again = case.run()
    assert again.unchanged
    assert (again.digest, again.image) == (first.digest, first.image)
    assert any("Nothing has changed" in line for line in case.said)
    assert set(again.layers.values()) == {"reused"}
    # Times of files are nothing that an image has.
    os.utime(case.app / "word")
    assert case.run().unchanged


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_built(case: Case, change: str) -> None:
    case.run()
    assert case.run().unchanged
    CHANGES[change](case)
    done = case.run()
    assert not done.unchanged
    assert done.image == Image.from_store(case.store, case.request.name)


@pytest.mark.parametrize("option", OPTIONS)
def test_another_option_is_built(case: Case, option: str) -> None:
    case.run()
    assert case.run().unchanged
    try:
        assert not case.run(**OPTIONS[option]).unchanged
    finally:
        if option == "the hardware":
            remove_tree(app_cache(case.home, Reference.parse(case.request.name), "cpu"))


def test_what_may_differ_each_time_is_built_each_time(case: Case) -> None:
    case.script("build", BUILD.replace("repeatable", "seconds"))
    case.run()
    assert not case.run().unchanged
    # A volume that the build may write to is there to be written.
    case.script("build", BUILD)
    case.run(volumes=(Bind(case.binding, "/platform/bindings/one", writable=True),))
    assert not case.run().unchanged


def test_a_build_that_failed_leaves_no_record_of_the_one_before(case: Case) -> None:
    case.run()
    case.script("build", "#!/bin/sh\nexit 1\n")
    with pytest.raises(Exception, match="a buildpack failed"):
        case.run()
    case.script("build", BUILD)
    assert not case.run().unchanged


def test_a_published_image_has_to_be_what_all_its_names_stand_for(case: Case) -> None:
    with closing(PlainRegistry()) as registry:
        name, tag = f"{registry.host}/team/app:1", f"{registry.host}/team/app:2"
        first = case.run(name=name, tags=(tag,), publish=True)
        assert not first.unchanged
        again = case.run()
        assert again.unchanged
        assert again.digest == first.digest == Remote(name).digest()

        kept = registry.manifests.pop(("team/app", "2"))
        assert not case.run().unchanged
        assert Remote(tag).digest() == first.digest
        # The same image by another manifest.
        other = (kept[0], kept[1] + b"\n")
        digest = f"sha256:{hashlib.sha256(other[1]).hexdigest()}"
        registry.manifests["team/app", "1"] = registry.manifests["team/app", digest] = other
        assert not case.run().unchanged

        layer = Remote(name).layers(machine_architecture())[-1]
        del registry.blobs["team/app", layer.digest]
        assert not case.run().unchanged


def test_the_command_says_so_and_can_be_told_to_build(case: Case) -> None:
    builder = ("--builder", str(case.builder), "--tag", case.request.name)
    command = ("build", str(case.app), *builder)
    assert "Nothing has changed" not in cnbkit(*command).output
    again = cnbkit(*command)
    assert again.code == 0
    assert "(--force builds it again)" in again.output
    assert "reused  test/data:data" in again.output
    assert "Nothing has changed" not in cnbkit(*command, "--force").output

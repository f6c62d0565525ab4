"""Layers: what is restored, what is decided, what is written."""

from __future__ import annotations

import os
import subprocess
import tempfile
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnbkit import (
    BuildContext,
    BuildpackFault,
    EnvChanges,
    Layer,
    LayerKey,
    OpenLayer,
    key,
    note,
)
from cnbkit.log import Log
from cnbkit.testing._restore import restore, rewritten

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534
IMAGE = Layer.launch("image")
CACHED = Layer.cached("cached", build=True, launch=True)


class Wheels(LayerKey):
    python: str = key("Python version")
    packages: list[str] = key("packages", default_factory=list)
    jobs: int = key("jobs", default=1)
    seen: str = note(default="")


class NewerWheels(LayerKey, version=2):
    python: str = key("Python version")
    packages: list[str] = key("packages", default_factory=list)
    jobs: int = key("jobs", default=1)
    seen: str = note(default="")


class FewerWheels(LayerKey):
    python: str = key("Python version")


class Hyphens(LayerKey, hyphens=True):
    python_version: str = key("Python version")


WHEELS = Wheels(python="3.11", packages=["a==1", "b==1"])


class Builds:
    """Builds one after another over one layers directory."""

    def __init__(self, layers: Path) -> None:
        self.layers = layers
        layers.mkdir()

    def context(self) -> BuildContext:
        return BuildContext(
            app="/", env={}, buildpack="", platform="", layers=str(self.layers), plan="", log=Log()
        )

    def open(self, layer: Layer, key: LayerKey | None = None) -> OpenLayer:
        return self.context().layer(layer, key)

    def make(self, layer: Layer, key: LayerKey | None = None) -> None:
        with self.open(layer, key) as opened:
            if opened.rebuild:
                (opened.path / "file").write_text("content")

    def toml(self, name: str) -> dict[str, Any]:
        return tomllib.loads((self.layers / f"{name}.toml").read_text())

    def restore(self) -> None:
        before = self.layers.with_name("before")
        self.layers.rename(before)
        restore(before, self.layers)
        subprocess.run(["rm", "-r", str(before)], check=True)

    def restored(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.layers)): path.read_text() if path.is_file() else ""
            for path in sorted(self.layers.rglob("*"))
        }


@pytest.fixture
def builds(tmp_path: Path) -> Builds:
    return Builds(tmp_path / "layers")


@pytest.mark.parametrize(
    ("layer", "state", "contents"),
    [
        (Layer("x", build=False, cache=True, launch=False), "keep", True),
        (Layer("x", build=True, cache=True, launch=False), "keep", True),
        (Layer("x", build=False, cache=True, launch=True), "keep", True),
        (Layer("x", build=True, cache=True, launch=True), "keep", True),
        (Layer("x", build=False, cache=False, launch=True), "reuse", False),
        (Layer("x", build=True, cache=False, launch=True), "rebuild", True),
        (Layer("x", build=True, cache=False, launch=False), "rebuild", True),
        (Layer("x", build=False, cache=False, launch=False), "rebuild", True),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_the_state_follows_from_what_the_lifecycle_restores(
    builds: Builds, layer: Layer, state: str, contents: bool
) -> None:
    builds.make(layer, WHEELS)
    builds.restore()
    with builds.open(layer, WHEELS) as opened:
        assert opened.state == state
        assert opened.why == []
        assert opened.path.is_dir() == contents
        assert (opened.path / "file").exists() == (state == "keep")
    table = builds.toml("x")
    assert table["types"] == {
        "build": layer.is_build,
        "cache": layer.is_cache,
        "launch": layer.is_launch,
    }
    assert table["metadata"]["digest"] == WHEELS._digest()


def test_a_layer_built_first_says_that_there_was_none(builds: Builds) -> None:
    with builds.open(IMAGE, WHEELS) as opened:
        assert (opened.state, opened.why) == ("rebuild", ["new"])
        assert list(opened.path.iterdir()) == []
    assert builds.toml("image") == {
        "types": {"launch": True, "build": False, "cache": False},
        "metadata": {
            "cnbkit": "1",
            "version": 1,
            "digest": WHEELS._digest(),
            "key": {"python": "3.11", "packages": ["a==1", "b==1"], "jobs": 1},
            "note": {"seen": ""},
        },
    }


def test_a_layer_cached_now_but_not_before_is_rebuilt(builds: Builds) -> None:
    builds.make(Layer.launch("x"), WHEELS)
    builds.restore()
    assert builds.open(Layer.cached("x", launch=True), WHEELS).state == "rebuild"


def test_a_cached_directory_without_its_toml_is_emptied(builds: Builds) -> None:
    (builds.layers / "cached").mkdir()
    (builds.layers / "cached" / "stray").touch()
    with builds.open(CACHED, WHEELS) as opened:
        assert opened.rebuild
        assert list(opened.path.iterdir()) == []


def test_every_changed_field_is_in_the_reason(builds: Builds) -> None:
    builds.make(IMAGE, WHEELS)
    builds.restore()
    changed = Wheels(python="3.12", packages=["a==1", "b==2"], jobs=4)
    assert builds.open(IMAGE, changed).why == [
        "Python version changed from 3.11 to 3.12",
        "packages changed: -b==1 +b==2",
        "jobs changed from 1 to 4",
    ]


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (["a"], ["a", "b"], "packages changed: +b"),
        (["a"], [], "packages changed: -a"),
        ([], ["a"], "packages changed: +a"),
        (["a", "b"], ["b", "a"], "packages changed: other order"),
    ],
)
def test_a_changed_list_is_shown_by_what_came_and_went(
    builds: Builds, before: list[str], after: list[str], why: str
) -> None:
    builds.make(IMAGE, Wheels(python="3", packages=before))
    builds.restore()
    assert builds.open(IMAGE, Wheels(python="3", packages=after)).why == [why]


def test_a_raised_version_is_the_reason(builds: Builds) -> None:
    builds.make(IMAGE, WHEELS)
    builds.restore()
    newer = NewerWheels(**WHEELS.to_plain())
    assert builds.open(IMAGE, newer).why == ["this buildpack makes it differently now (version 2)"]


def test_a_field_the_key_no_longer_has_rebuilds(builds: Builds) -> None:
    builds.make(IMAGE, WHEELS)
    builds.restore()
    opened = builds.open(IMAGE, FewerWheels(python="3.11"))
    assert (opened.state, opened.why) == (
        "rebuild",
        ["jobs is no longer part of its key", "packages is no longer part of its key"],
    )


def test_a_note_never_rebuilds_and_is_found_again(builds: Builds) -> None:
    builds.make(CACHED, WHEELS.replace(seen="first"))
    builds.restore()
    with builds.open(CACHED, WHEELS.replace(seen="second")) as opened:
        assert opened.state == "keep"
        assert opened.old["note"] == {"seen": "first"}


@pytest.mark.parametrize(
    "toml",
    ["", '[metadata]\nversion = "9"\n', "[metadata]\ncnbkit = '1'\nkey = 5\n", "not toml", "\xff"],
)
def test_metadata_of_another_tool_rebuilds(builds: Builds, toml: str) -> None:
    (builds.layers / "image.toml").write_bytes(toml.encode("latin-1"))
    with builds.open(IMAGE, WHEELS) as opened:
        assert opened.why == ["made by another tool"]


@given(
    st.builds(
        Wheels,
        python=st.text(st.characters(exclude_categories=["Cs"])),
        packages=st.lists(st.text(st.characters(exclude_categories=["Cs"]))),
        jobs=st.integers(-(2**63), 2**63 - 1),
    )
)
def test_any_key_fits_itself_and_no_other_after_the_lifecycle_rewrote_it(wheels: Wheels) -> None:
    restored = rewritten({"metadata": wheels._metadata()})
    assert f'digest = "{wheels._digest()}"' in restored
    other = wheels.replace(python=wheels.python + "x")
    assert other._digest() not in restored
    assert other._changes(tomllib.loads(restored)["metadata"])


def test_a_key_with_hyphens_covers_its_fields() -> None:
    one, other = Hyphens(python_version="3.11"), Hyphens(python_version="3.12")
    assert one._digest() != other._digest()
    assert other._changes(one._metadata()) == ["Python version changed from 3.11 to 3.12"]


def test_the_order_of_a_table_in_the_key_makes_no_difference() -> None:
    class Tables(LayerKey):
        files: dict[str, str] = key("files")

    one, other = Tables(files={"a": "1", "b": "2"}), Tables(files={"b": "2", "a": "1"})
    assert one._digest() == other._digest()


def test_a_field_that_is_neither_key_nor_note_is_refused() -> None:
    with pytest.raises(TypeError, match=r"python: declare it with key\(…\) or note\(…\)"):
        type("Bad", (LayerKey,), {"__annotations__": {"python": "str"}})


def test_a_field_cannot_hide_what_a_key_does() -> None:
    with pytest.raises(TypeError, match="replace would hide a method"):
        type("Bad", (LayerKey,), {"__annotations__": {"replace": "str"}, "replace": key("lock")})


def test_a_wrong_value_in_a_key_is_found_before_the_work(builds: Builds) -> None:
    wrong = Wheels(python=3.11)  # type: ignore[arg-type]
    opened = builds.open(IMAGE, wrong)
    with pytest.raises(BuildpackFault, match="python"), opened:
        pytest.fail("the block ran")


def test_a_reused_layer_writes_its_toml_and_nothing_else(builds: Builds) -> None:
    builds.make(IMAGE, WHEELS)
    builds.restore()
    builds.make(IMAGE, WHEELS)
    assert list(builds.restored()) == ["image.toml"]
    assert builds.toml("image")["types"]["launch"] is True
    assert builds.toml("image")["metadata"] == WHEELS._metadata()


def test_a_key_survives_any_number_of_builds(builds: Builds) -> None:
    for layer in (IMAGE, CACHED):
        builds.make(layer, WHEELS)
        for _ in range(3):
            builds.restore()
            with builds.open(layer, WHEELS) as opened:
                assert opened.state in ("reuse", "keep")


@pytest.mark.parametrize("state", ["rebuild", "keep", "reuse"])
def test_a_failing_block_removes_directory_toml_and_sboms(builds: Builds, state: str) -> None:
    layer = IMAGE if state == "reuse" else CACHED
    if state != "rebuild":
        builds.make(layer, WHEELS)
        builds.restore()
    (builds.layers / f"{layer.name}.sbom.cdx.json").touch()
    (builds.layers / f"{layer.name}-other.toml").touch()
    context = builds.context()
    opened = context.layer(layer, WHEELS)
    assert opened.state == state
    opened.env.override("A", "x")
    with pytest.raises(RuntimeError), opened:
        raise RuntimeError
    assert list(builds.restored()) == [f"{layer.name}-other.toml"]
    assert context.build_env() == {}


def test_a_layer_whose_files_cannot_be_written_is_removed_too(builds: Builds) -> None:
    with pytest.raises(FileNotFoundError), builds.open(IMAGE, WHEELS) as opened:
        opened.exec_d("run", builds.layers / "absent")
    assert builds.restored() == {}


def test_a_layer_that_failed_can_be_opened_again(builds: Builds) -> None:
    context = builds.context()
    with pytest.raises(RuntimeError), context.layer(CACHED, WHEELS):
        raise RuntimeError
    with context.layer(CACHED, WHEELS) as opened:
        assert opened.rebuild
    assert builds.toml("cached")["metadata"]["digest"] == WHEELS._digest()


def test_a_layer_is_opened_once_in_a_build(builds: Builds) -> None:
    context = builds.context()
    with context.layer(CACHED, WHEELS):
        pass
    with pytest.raises(BuildpackFault, match="opened twice"):
        context.layer(CACHED, WHEELS)


def test_a_rebuild_replaces_environment_sboms_and_exec_d_as_a_set(
    builds: Builds, tmp_path: Path
) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    with builds.open(CACHED, WHEELS) as opened:
        opened.env.override("OLD", "x")
        opened.env.process("web").override("OLD", "x")
        opened.exec_d("old", program)
    (builds.layers / "cached.sbom.cdx.json").touch()
    builds.restore()
    assert (builds.layers / "cached.sbom.cdx.json").exists()
    with builds.open(CACHED, WHEELS.replace(python="3.12")) as opened:
        opened.env.launch.override("NEW", "x")
        opened.exec_d("new", program)
    assert {name for name in builds.restored() if not (builds.layers / name).is_dir()} == {
        "cached.toml",
        "cached/env.launch/NEW.override",
        "cached/exec.d/new",
    }
    assert os.access(builds.layers / "cached/exec.d/new", os.X_OK)


def test_a_kept_layer_has_its_old_environment_until_changed(builds: Builds) -> None:
    with builds.open(CACHED, WHEELS) as opened:
        opened.env.override("A", "1")
        opened.env.override("B", "1")
    builds.restore()
    with builds.open(CACHED, WHEELS) as opened:
        assert opened.env.apply({}) == {"A": "1", "B": "1"}
        opened.env.override("A", "2")
    builds.restore()
    with builds.open(CACHED, WHEELS) as opened:
        assert opened.env.apply({}) == {"A": "2", "B": "1"}


def test_a_reused_layer_may_say_its_old_environment_again(builds: Builds) -> None:
    for _ in range(3):
        with builds.open(IMAGE, WHEELS) as opened:
            opened.env.launch.override("A", "1")
        builds.restore()
    assert opened.state == "reuse"


@pytest.mark.parametrize("wheels", [WHEELS, None], ids=["with key", "without key"])
def test_a_reused_layer_cannot_change_its_environment(
    builds: Builds, wheels: Wheels | None
) -> None:
    with builds.open(IMAGE, wheels) as opened:
        opened.env.launch.override("A", "1")
    builds.restore()
    opened = builds.open(IMAGE, wheels)
    assert opened.state == "reuse"
    opened.env.launch.override("A", "2")
    with (
        pytest.raises(BuildpackFault, match="environment of the layer image changed") as caught,
        opened,
    ):
        pass
    assert ("Wheels" if wheels else "a key") in str(caught.value.remedy)


def test_a_reused_layer_cannot_change_its_exec_d(builds: Builds, tmp_path: Path) -> None:
    program = tmp_path / "program"
    for text in ("1", "1"):
        program.write_text(text)
        with builds.open(IMAGE, WHEELS) as opened:
            opened.exec_d("check", program)
        builds.restore()
    assert opened.state == "reuse"
    program.write_text("2")
    with (
        pytest.raises(BuildpackFault, match=r"exec\.d of the layer image changed"),
        builds.open(IMAGE, WHEELS) as opened,
    ):
        opened.exec_d("check", program)


@pytest.mark.parametrize("name", ["build", "launch", "store", "../evil", "py3.11", "", "a/b", "."])
def test_a_name_the_lifecycle_would_trip_over_is_refused(name: str) -> None:
    with pytest.raises(BuildpackFault, match="layer name"):
        Layer.launch(name)


def test_layers_opened_so_far_are_in_the_environment_of_programs(builds: Builds) -> None:
    context = builds.context()
    with context.layer(Layer.for_build("one")) as opened:
        (opened.path / "bin").mkdir()
        opened.env.build.override("A", "1")
        assert context.build_env() == {"A": "1", "PATH": f"{builds.layers}/one/bin"}
    with context.layer(Layer.launch("two")) as opened:
        opened.env.override("A", "2")
    assert context.build_env()["A"] == "1"


def test_the_environment_is_written_only_where_something_was_said(builds: Builds) -> None:
    builds.make(Layer.temporary("t"))
    assert list(builds.restored()) == ["t", "t/file", "t.toml"]
    assert isinstance(builds.open(Layer.temporary("u")).env, EnvChanges)


def test_a_directory_nobody_may_write_in_is_replaced_by_an_ordinary_user() -> None:
    """Like the read-only trees that Go and conda leave behind; root would not notice."""
    with tempfile.TemporaryDirectory() as scratch:
        builds = Builds(Path(scratch) / "layers")
        inner = builds.layers / "x" / "a" / "b"
        inner.mkdir(parents=True)
        (inner / "file").touch()
        inner.chmod(0o500)
        inner.parent.chmod(0o500)
        if os.geteuid() == 0:
            for path in [Path(scratch), *Path(scratch).rglob("*")]:
                os.chown(path, NOBODY, NOBODY)
        with _as_an_ordinary_user(), builds.open(Layer.for_build("x")) as opened:
            assert list(opened.path.iterdir()) == []


@contextmanager
def _as_an_ordinary_user() -> Iterator[None]:
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if user == 0:
            os.seteuid(user)

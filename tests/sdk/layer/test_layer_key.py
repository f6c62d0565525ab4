"""What a layer depends on, and how the log says that it changed."""

from __future__ import annotations

import shutil
import tomllib
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from cnbkit import BuildpackFault, Layer, LayerKey, Model, OpenLayer, key, migrates, note
from cnbkit.log import Log
from cnbkit.testing._restore import rewritten


class _Digests(LayerKey):
    files: list[str] = key("requirements")


def test_the_hidden_part_of_an_item_counts_but_is_not_shown() -> None:
    def why(before: list[str], after: list[str]) -> str:
        [line] = _Digests(files=after)._changes(_Digests(files=before)._metadata())
        return line

    assert why(["a.txt #1", "b.txt #1"], ["a.txt #2", "b.txt #1"]) == "requirements changed: a.txt"
    assert why(["t 1 #x"], ["t 2 #y"]) == "requirements changed: -t 1 +t 2"
    assert why(["a #1", "b #1"], ["a #2", "c #1"]) == "requirements changed: a -b +c"
    assert why(["a#1"], ["a#2"]) == "requirements changed: -a#1 +a#2"
    many = why([], [f"p{number}" for number in range(30)])
    assert many.endswith(" +p19 and 10 more")


class _One(LayerKey):
    interpreter: str = key("Python")
    seen: int = note(default=7)


class _Three(LayerKey, version=3):
    python: str = key("Python version")
    target: str = key("target")
    seen: int = note(default=0)

    @migrates(1)
    @staticmethod
    def _from_1(old: dict[str, Any]) -> dict[str, Any]:
        return {"python": old["interpreter"].removeprefix("python-")}

    @migrates(2)
    @staticmethod
    def _from_2(old: dict[str, Any]) -> dict[str, Any]:
        return {**old, "target": "linux"}


def _build(root: Path, wanted: LayerKey, layer: Layer) -> OpenLayer:
    with OpenLayer(layer, wanted, str(root), Log()) as opened:
        opened.env.override("A", "b")
    toml = root / f"{layer.name}.toml"
    toml.write_text("[metadata]" + toml.read_text().partition("[metadata]")[2])
    if not layer.is_cache and opened.state == "rebuild":
        shutil.rmtree(opened.directory)  # it comes back as metadata alone
    return opened


@pytest.mark.parametrize("layer", [Layer.cached("x", launch=True), Layer.launch("x")])
def test_what_an_earlier_version_wrote_is_migrated_and_the_layer_stays(
    tmp_path: Path, layer: Layer
) -> None:
    assert _build(tmp_path, _One(interpreter="python-3.11"), layer).state == "rebuild"
    kept = "keep" if layer.is_cache else "reuse"
    today = _Three(python="3.11", target="linux")
    opened = _build(tmp_path, today, layer)
    assert (opened.state, opened.why) == (kept, [])
    # From now on it is today's, with its notes and what it provides as they were.
    again = OpenLayer(layer, today, str(tmp_path), Log())
    assert again.state == kept
    assert again.old["key"] == {"python": "3.11", "target": "linux"}
    assert again.old["note"] == {"seen": 7}
    assert _build(tmp_path, today, layer).state == kept


def test_a_migrated_key_that_differs_says_in_what(tmp_path: Path) -> None:
    layer = Layer.launch("x")
    _build(tmp_path, _One(interpreter="python-3.10"), layer)
    opened = _build(tmp_path, _Three(python="3.11", target="arm"), layer)
    assert opened.why == [
        "Python version changed from 3.10 to 3.11",
        "target changed from linux to arm",
    ]


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ({"version": 1, "key": {}}, "cannot be migrated (KeyError('interpreter'))"),
        ({"version": 1, "key": {"interpreter": 5}}, "cannot be migrated (AttributeError"),
        ({"version": 0, "key": {}}, "makes it differently now"),
        ({"version": 4, "key": {}}, "makes it differently now"),
        ({"version": "x", "key": {}}, "makes it differently now"),
        ({"version": 1.0, "key": {"interpreter": "3.11"}}, ""),
        ({"key": {}}, "makes it differently now"),
        ({"version": 1, "key": 5}, "made by another tool"),
    ],
)
def test_old_metadata_of_any_shape_rebuilds_with_a_reason(
    metadata: dict[str, Any], why: str
) -> None:
    lines = _Three(python="3.11", target="linux")._changes({"cnbkit": "1", **metadata})
    assert why in "".join(lines)
    assert bool(lines) == bool(why)


def test_a_migration_from_what_cannot_have_been_is_refused() -> None:
    with pytest.raises(TypeError, match="nothing migrates from"):

        class _Wrong(LayerKey, version=2):
            @migrates(2)
            @staticmethod
            def _same(old: dict[str, Any]) -> dict[str, Any]:
                return old


class _Arch(Enum):
    ARM = "arm64"
    AMD = "amd64"


class _Source(Model):
    name: str
    tags: tuple[str, ...] = ()
    ref: str | None = None


class _Rich(LayerKey):
    arch: _Arch = key("architecture")
    version: str | None = key("version", default=None)
    pair: tuple[str, int] = key("pair", default=("a", 1))
    names: set[str] = key("names", default_factory=set)
    fixed: frozenset[str] = key("fixed", default=frozenset())
    file: Path = key("file", default=Path("a/b"))
    source: _Source = key("source", default=_Source(name="s"))
    sources: list[_Source] = key("sources", default_factory=list)


class _Numbered(LayerKey):
    size: int = key("size")


class _MethodNames(LayerKey):
    digest: str = key("digest")
    metadata: str = key("metadata")
    role: str = key("role")
    changes: str = key("changes")


def _restored(wanted: LayerKey) -> dict[str, Any]:
    table = tomllib.loads(rewritten({"metadata": wanted._metadata()}))["metadata"]
    assert isinstance(table, dict)
    return table


@pytest.mark.parametrize("layer", [Layer.cached("x", launch=True), Layer.launch("x")])
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, []),
        ({"arch": _Arch.AMD}, ["architecture changed from arm64 to amd64"]),
        ({"version": "1"}, ["version changed"]),
        ({"pair": ("a", 2)}, ["pair changed: -1 +2"]),
        ({"names": {"c", "b"}}, ["names changed: +b +c"]),
        ({"fixed": frozenset("a")}, ["fixed changed: +a"]),
        ({"file": Path("c")}, ["file changed from a/b to c"]),
        ({"source": _Source(name="s", tags=("t",))}, ["source changed: tags"]),
        ({"sources": [_Source(name="t", ref="x")]}, ["sources changed"]),
    ],
)
def test_a_key_of_every_kind_is_kept_and_its_change_is_told(
    tmp_path: Path, layer: Layer, change: dict[str, Any], why: list[str]
) -> None:
    before = _Rich(arch=_Arch.ARM)
    assert _build(tmp_path, before, layer).state == "rebuild"
    assert before._changes(_restored(before)) == []
    again = _build(tmp_path, before.replace(**change), layer)
    assert (again.state == "rebuild") == bool(change)
    if "sources" in change:
        again.why = [line.partition(":")[0] for line in again.why]
    assert again.why == why
    assert hash(before) == hash(before.replace())


def test_a_number_that_json_rounds_is_a_change_all_the_same() -> None:
    before = _Numbered(size=2**53)
    assert before._changes(_restored(before)) == []
    assert before.replace(size=2**53 + 1)._changes(_restored(before)) == ["its key changed"]


def test_the_order_of_a_set_is_no_change() -> None:
    one, other = (_Rich(arch=_Arch.ARM, names=set(names)) for names in ("abcdefgh", "hgfedcba"))
    assert one._metadata() == other._metadata()


def test_fields_of_a_key_may_have_any_of_these_names() -> None:
    wanted = _MethodNames(digest="1", metadata="2", role="3", changes="4")
    assert wanted._changes(_restored(wanted)) == []
    assert wanted.replace(role="5")._changes(_restored(wanted)) == ["role changed from 3 to 5"]


def test_a_faulty_key_is_the_buildpacks_fault(tmp_path: Path) -> None:
    with pytest.raises(BuildpackFault, match="_Rich") as caught:
        _build(tmp_path, _Rich(arch="arm64"), Layer.launch("x"))  # type: ignore[arg-type]
    assert caught.value.exit_code == 70

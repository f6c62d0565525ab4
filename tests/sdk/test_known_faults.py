"""The nine faults of python-libcnb 0.2.2, each of which is impossible here.

The four of libcnb.rs 0.30.4 are in test_layer_env.py, named as such.
"""

from __future__ import annotations

import datetime
import os
import tomllib
from typing import TYPE_CHECKING

import pytest

import cnbkit
from cnbkit import (
    BuildContext,
    Buildpack,
    BuildpackFault,
    BuildResult,
    Layer,
    LayerEnv,
    LayerKey,
    OpenLayer,
    Process,
    key,
)
from cnbkit.errors import InvalidDocument
from cnbkit.log import Log
from cnbkit.runtime import build
from cnbkit.spec.buildpack import BuildpackDescriptor
from cnbkit.spec.launch import Launch
from cnbkit.spec.toml import decode, encode

if TYPE_CHECKING:
    from pathlib import Path


def _env(root: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(root)
    (root / "layers").mkdir()
    (root / "platform").mkdir()
    (root / "plan").touch()
    return {
        "CNB_LAYERS_DIR": str(root / "layers"),
        "CNB_PLATFORM_DIR": str(root / "platform"),
        "CNB_BP_PLAN_PATH": str(root / "plan"),
    }


class _Starts(Buildpack):
    store: dict[str, object] | None = None

    def build(self, ctx: BuildContext) -> BuildResult:  # noqa: ARG002
        web = Process(
            type="web", command=["a", "b"], args=["c"], working_dir="d", exec_env=["test"]
        )
        return BuildResult(web, store=self.store)


def test_1_it_works_with_the_pydantic_of_today() -> None:
    """Theirs failed on import with pydantic 2 and kept `packaging` old."""
    import pydantic

    assert pydantic.VERSION.startswith("2.")
    assert Launch.loads("") == Launch()


def test_2_variables_alone_do_without_arguments_or_a_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Theirs ended with an argparse error, and wanted CNB_STACK_ID."""
    assert build(_Starts(), _env(tmp_path, monkeypatch)) == 0


def test_3_a_process_is_written_as_api_0_9_and_later_want_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Theirs wrote a string and `direct`, and dropped working-dir and exec-env."""
    build(_Starts(), _env(tmp_path, monkeypatch))
    [process] = tomllib.loads((tmp_path / "layers" / "launch.toml").read_text())["processes"]
    assert process == {
        "type": "web",
        "command": ["a", "b"],
        "args": ["c"],
        "working-dir": "d",
        "exec-env": ["test"],
        "default": False,
    }


@pytest.mark.parametrize("name", ["build", "launch", "store", "../evil", "a.b", ""])
def test_4_names_are_checked(name: str) -> None:
    """Theirs took any layer name, id and version."""
    with pytest.raises(BuildpackFault):
        Layer.cached(name)


def test_4_descriptors_are_checked_and_nothing_vanishes() -> None:
    """Theirs dropped targets and sbom-formats."""
    head = 'api = "0.12"\n[buildpack]\nid = "bad id!!"\nversion = "not-semver"\n'
    with pytest.raises(InvalidDocument, match="2 faults"):
        BuildpackDescriptor.loads(head)
    text = head.replace("bad id!!", "a").replace("not-semver", "1.2.3")
    text += 'sbom-formats = ["application/spdx+json"]\n[[targets]]\nos = "linux"\n'
    again = decode(BuildpackDescriptor.loads(text).dumps(), name="x")
    assert again["targets"] == [{"os": "linux"}]
    assert again["buildpack"]["sbom-formats"] == ["application/spdx+json"]


def test_5_what_they_had_not_is_there() -> None:
    """SBOMs, target, bindings, extensions, exec-env, typed metadata, migration, reasons, a hook."""
    for name in ("Binding", "GenerateResult", "LayerKey", "Target", "migrates"):
        assert name in cnbkit.__all__
    for name in ("sbom", "exec_d", "rebuild", "old"):
        assert hasattr(OpenLayer, name)
    for name in ("on_error", "generate"):
        assert hasattr(Buildpack, name)


def test_6_all_of_toml_is_read_and_written() -> None:
    """Theirs refused mixed lists and lost dates."""
    day = datetime.date(2026, 1, 2)
    table = {"mixed": [1, "x", [True]], "day": day, "at": datetime.time(1, 2)}
    assert decode(encode(table), name="x") == table


class _Key(LayerKey):
    name: str = key("name")


def _open(layers: Path, name: str = "a") -> OpenLayer:
    layers.mkdir(exist_ok=True)
    toml = layers / "x.toml"
    if toml.exists():  # as the lifecycle restores a layer of the image
        toml.write_text("[metadata]" + toml.read_text().partition("[metadata]")[2])
        (layers / "x").rename(layers / "old") if (layers / "x").exists() else None
    return OpenLayer(Layer.launch("x"), _Key(name=name), str(layers), Log())


def test_7_a_layer_is_reused_without_a_directory(tmp_path: Path) -> None:
    """Theirs always made the directory, and empty env directories in it."""
    with _open(tmp_path):
        pass
    assert list((tmp_path / "x").iterdir()) == []
    with _open(tmp_path) as layer:
        assert layer.state == "reuse"
    assert not (tmp_path / "x").exists()


def test_7_env_files_are_read_whole_and_replaced_as_a_set(tmp_path: Path) -> None:
    """Theirs kept old files, passed over those without a suffix, and died on other bytes."""
    with _open(tmp_path) as layer:
        layer.env.override("OLD", "x")
    (tmp_path / "x" / "env" / "PLAIN").write_bytes(b"\xff")
    assert LayerEnv.read(str(tmp_path / "x")).apply({})["PLAIN"] == os.fsdecode(b"\xff")
    with _open(tmp_path, "b") as layer:
        layer.env.override("NEW", "x")
    assert os.listdir(tmp_path / "x" / "env") == ["NEW.override"]  # noqa: PTH208


def test_8_an_emptied_store_is_empty_and_other_layers_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Theirs left the old store, and deleted the toml of layers nobody mentioned."""
    env = _env(tmp_path, monkeypatch)
    (tmp_path / "layers" / "other.toml").write_text("[metadata]\n")
    stores: list[dict[str, object]] = [{"a": 1}, {}]
    for store in stores:
        pack = _Starts()
        pack.store = store
        build(pack, env)
    assert (tmp_path / "layers" / "store.toml").read_text() == ""
    assert (tmp_path / "layers" / "other.toml").exists()


def test_9_a_fault_says_what_where_and_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Theirs were bare exceptions with a traceback."""
    env = _env(tmp_path, monkeypatch)
    del env["CNB_LAYERS_DIR"]
    with pytest.raises(BuildpackFault) as caught:
        build(_Starts(), env)
    assert caught.value.what == "the platform gave no CNB_LAYERS_DIR"
    assert caught.value.remedy

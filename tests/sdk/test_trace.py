"""Traces of phases and layers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit import BuildContext, Buildpack, BuildResult, Layer, UserFault
from cnbkit.runtime import build, detect

if TYPE_CHECKING:
    from pathlib import Path


class Pack(Buildpack):
    def build(self, ctx: BuildContext) -> BuildResult:
        with ctx.layer(Layer.launch("one")):
            pass
        with ctx.layer(Layer.cached("two")):
            if ctx.settings.get("BP_FAIL"):
                raise UserFault("it is broken")
        return BuildResult()


def _env(root: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(root)
    for name in ("layers", "platform", "bp"):
        (root / name).mkdir()
    (root / "plan").touch()
    (root / "bp" / "buildpack.toml").write_text('[buildpack]\nid = "a/b"\nversion = "1.2.3"\n')
    return {
        "CNB_LAYERS_DIR": str(root / "layers"),
        "CNB_PLATFORM_DIR": str(root / "platform"),
        "CNB_BUILDPACK_DIR": str(root / "bp"),
        "CNB_BP_PLAN_PATH": str(root / "plan"),
        "CNB_BUILD_PLAN_PATH": str(root / "plan"),
        "BP_TRACE_DIR": str(root / "traces"),
    }


def _spans(root: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    [path] = (root / "traces").iterdir()
    data = json.loads(path.read_text())
    path.unlink()
    [resource] = data["resourceSpans"]
    [scope] = resource["scopeSpans"]
    about = {e["key"]: e["value"]["stringValue"] for e in resource["resource"]["attributes"]}
    return scope["spans"], about


def test_a_build_is_a_span_with_its_layers_below(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = _env(tmp_path, monkeypatch)
    build(Pack(), env)
    spans, about = _spans(tmp_path)
    assert about == {"service.name": "a/b", "service.version": "1.2.3"}
    assert [each["name"] for each in spans] == ["build", "layer one", "layer two"]
    top, *layers = spans
    for span in layers:
        assert span["parentSpanId"] == top["spanId"]
        assert span["traceId"] == top["traceId"]
        times = [
            each[f"{end}TimeUnixNano"]
            for each, end in ((top, "start"), (span, "start"), (span, "end"), (top, "end"))
        ]
        assert times == sorted(times)
        assert {"key": "layer.state", "value": {"stringValue": "rebuild"}} in span["attributes"]
    assert (len(top["traceId"]), len(top["spanId"])) == (32, 16)


def test_what_failed_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = _env(tmp_path, monkeypatch)
    with pytest.raises(UserFault):
        build(Pack(), {**env, "BP_FAIL": "1"})
    (top, one, two), _ = _spans(tmp_path)
    assert top["status"] == {"code": 2, "message": "it is broken"}
    assert (one["status"]["code"], two["status"]["code"]) == (1, 2)


def test_detect_is_traced_too_and_nothing_is_without_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = _env(tmp_path, monkeypatch)
    detect(Pack(), env)
    assert [each["name"] for each in _spans(tmp_path)[0]] == ["detect"]
    del env["BP_TRACE_DIR"]
    detect(Pack(), env)
    assert list((tmp_path / "traces").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    env = _env(tmp_path, monkeypatch)
    (tmp_path / "traces").touch()
    assert build(Pack(), env) == 0
    assert "Warning: no trace in BP_TRACE_DIR" in capsys.readouterr().err

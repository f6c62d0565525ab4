"""What a build comes to as text, and a file it is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit import BuildContext, Buildpack, BuildResult, Layer, LayerKey, Process, key
from cnbkit.testing.snapshot import UPDATE

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit.testing import BuildpackRun


class _Key(LayerKey):
    version: str = key("version")


class Pack(Buildpack):
    def build(self, ctx: BuildContext) -> BuildResult:
        with ctx.layer(Layer.launch("tool"), _Key(version=ctx.app.text("v").strip())) as layer:
            if layer.rebuild:
                (layer.path / "bin").mkdir()
                (layer.path / "bin" / "tool").write_text("#!/bin/sh\n")
                (layer.path / "bin" / "tool").chmod(0o755)
                (layer.path / "bin" / "alias").symlink_to("tool")
            layer.env.launch.override("TOOL", layer.path / "bin")
        return BuildResult(
            Process(type="web", command=["tool"], args=["a"], default=True),
            labels={"app": ctx.app.root},
            slices=[["*.bin"]],
        )


EXPECTED = """\
layer tool (launch)
  key version = '1'
  l bin/alias -> tool
  -rwxr-xr-x bin/tool 10 bytes 7dd77d7b4d14
  env.launch/TOOL.override = <layers>/tool/bin
process web (default): tool [a]
label app=<app>
slice *.bin
"""


def test_the_text_has_all_that_is_in_the_image_and_not_where_it_was_made(
    buildpack_run: BuildpackRun,
) -> None:
    first = buildpack_run(Pack, app={"v": "1"})
    text = first.snapshot()
    digest = text.partition(" 10 bytes ")[2][:12]
    assert text == EXPECTED.replace("7dd77d7b4d14", digest)
    assert len(digest.strip()) == 12
    assert buildpack_run(Pack, app={"v": "1"}).snapshot() == text
    assert first.rebuild().snapshot() == text
    assert first.rebuild(app={"v": "2"}).snapshot() == text.replace("'1'", "'2'")


def test_a_build_is_compared_with_a_file(
    buildpack_run: BuildpackRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "snapshots" / "pack.txt"
    result = buildpack_run(Pack, app={"v": "1"})
    with pytest.raises(AssertionError, match=f"there is no snapshot .*{UPDATE}=1"):
        result.assert_snapshot(file)
    monkeypatch.setenv(UPDATE, "1")
    result.assert_snapshot(file)
    monkeypatch.delenv(UPDATE)
    result.assert_snapshot(str(file))
    with pytest.raises(AssertionError) as told:
        result.rebuild(app={"v": "2"}).assert_snapshot(file)
    assert "-  key version = '1'\n+  key version = '2'\n" in str(told.value)


def test_stdout_and_stderr_are_apart_and_together(buildpack_run: BuildpackRun) -> None:
    class Speaks(Buildpack):
        def build(self, ctx: BuildContext) -> BuildResult:
            ctx.log.info("one")
            ctx.log.warning("two")
            print("three")
            return BuildResult()

    result = buildpack_run(Speaks)
    assert result.stderr == "  Warning: two\n"
    assert result.stdout.endswith("  one\nthree\n")
    assert result.log.endswith("  one\n  Warning: two\nthree\n")

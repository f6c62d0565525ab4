"""exec.d programs run in a test as the launcher runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit import BuildContext, Buildpack, BuildResult, Layer, Process, launch_bindings
from cnbkit import launch_bindings as by_another_name

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit.testing import BuildpackRun, Result


def database() -> dict[str, str]:
    import os

    found = by_another_name("postgresql")
    return {
        "DATABASE": found[0]["uri"] if found else "none",
        "ALL": ",".join(each["name"] for each in launch_bindings()),
        "SEEN": os.environ.get("SET_BEFORE", ""),
    }


def threads() -> dict[str, str]:
    return {"THREADS": "4", "BASE": "from exec.d"}


def fails() -> None:
    raise ValueError("no such device")


class Programs(Buildpack):
    def build(self, ctx: BuildContext) -> BuildResult:
        with ctx.layer(Layer.launch("a")) as layer:
            layer.env.launch.override("BASE", "from the layer")
            layer.env.launch.override("SET_BEFORE", layer.path)
            layer.exec_d("20-database", database)
            layer.exec_d("10-threads", threads)
        with ctx.layer(Layer.launch("b")) as layer:
            layer.exec_d("10-task", ctx.app.path / "task.sh", process="task")
            if ctx.app.has("broken"):
                layer.exec_d("30-device", fails)
        return BuildResult(Process(type="task", command=["x"]))


TASK = '#!/bin/sh\nprintf \'THREADS = "%s0"\\nPWD_ = "%s"\\n\' "$THREADS" "$PWD" >&3\necho told\n'


@pytest.fixture
def result(buildpack_run: BuildpackRun) -> Result:
    return buildpack_run(Programs, app={"task.sh": TASK})


def test_programs_run_one_after_the_other_and_see_what_came_before(
    result: Result, capsys: pytest.CaptureFixture[str]
) -> None:
    layer = str(result.layer("a").path)
    common = {"DATABASE": "none", "ALL": "", "SEEN": layer, "BASE": "from exec.d"}
    assert result.exec_d() == {**common, "THREADS": "4"}
    capsys.readouterr()
    assert result.exec_d("task") == {**common, "THREADS": "40", "PWD_": str(result.app)}
    assert capsys.readouterr().out == "told\n"
    assert result.exec_d(env={"ALL": "", "SEEN": layer})["DATABASE"] == "none"
    assert "SEEN" not in result.exec_d(env={"SEEN": layer})


def test_functions_find_the_bindings_of_the_container(result: Result, tmp_path: Path) -> None:
    for name, kind in (("main", "PostgreSQL\n"), ("cache", "redis")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "type").write_text(kind)
        (tmp_path / name / "uri").write_text(f"{name}://db")
        (tmp_path / name / "image").write_bytes(b"\xff\xfe")
    (tmp_path / "..data").mkdir()
    found = result.exec_d(env={"SERVICE_BINDING_ROOT": str(tmp_path)})
    assert (found["DATABASE"], found["ALL"]) == ("main://db", "cache,main")
    assert result.exec_d(env={"SERVICE_BINDING_ROOT": "/absent"})["ALL"] == ""


def test_a_program_that_fails_is_told_with_what_it_printed(buildpack_run: BuildpackRun) -> None:
    result = buildpack_run(Programs, app={"task.sh": TASK, "broken": ""})
    with pytest.raises(AssertionError, match=r"exec\.d/30-device ended with exit status 1") as told:
        result.exec_d()
    assert "ValueError: no such device" in str(told.value)


@pytest.mark.parametrize("written", ["X = 1", "X = ", "X"])
def test_what_is_no_table_of_texts_is_told(buildpack_run: BuildpackRun, written: str) -> None:
    task = f"#!/bin/sh\necho '{written}' >&3\n"
    result = buildpack_run(Programs, app={"task.sh": task})
    with pytest.raises(AssertionError, match=r"exec\.d/10-task (wrote|gives)"):
        result.exec_d("task")


def test_a_rebuilt_image_has_the_programs_of_reused_layers(result: Result) -> None:
    assert result.rebuild().exec_d("task")["THREADS"] == "40"

"""Programs before the app starts, run by the real launcher."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnbkit import BuildpackFault, Layer, OpenLayer
from cnbkit.layer.exec_d import script
from cnbkit.log import Log

if TYPE_CHECKING:
    from collections.abc import Callable


def greet() -> dict[str, str]:
    """What the app gets."""
    import os
    from pathlib import Path

    def loud(text: str) -> str:
        return text.upper()

    return {"GREETING": loud(os.environ.get("NAME", "nobody")), "HERE": str(Path.cwd())}


def say_nothing() -> None:
    """No variables at all."""


def given_values() -> dict[str, str]:
    import json
    from pathlib import Path

    values: dict[str, str] = json.loads(Path("values.json").read_text())
    return values


def broken() -> dict[str, str]:
    raise RuntimeError("cannot say")


def uses_module() -> dict[str, str]:
    return {"X": json.dumps(1)}


def uses_module_within() -> dict[str, str]:
    return {"X": next(json for _ in "x").dumps(1)}


def takes(argument: str) -> dict[str, str]:
    return {"X": argument}


def _launch(
    root: Path, lifecycle: Path, process: str = "web", **env: str
) -> subprocess.CompletedProcess[bytes]:
    (root / "config").mkdir(exist_ok=True)
    (root / "app").mkdir(exist_ok=True)
    (root / "config" / "metadata.toml").write_text(
        "".join(
            f'[[processes]]\ntype = "{each}"\ncommand = ["/usr/bin/env", "-0"]\ndirect = true\n'
            'buildpack-id = "x"\n'
            for each in ("web", "worker")
        )
        + '[[buildpacks]]\napi = "0.12"\nid = "x"\n'
    )
    return subprocess.run(
        [process],
        executable=lifecycle / "launcher",
        env={
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "CNB_LAYERS_DIR": str(root),
            "CNB_APP_DIR": str(root / "app"),
            "CNB_PLATFORM_API": "0.15",
            **env,
        },
        capture_output=True,
        check=False,
    )


def _variables(done: subprocess.CompletedProcess[bytes]) -> dict[str, str]:
    assert done.returncode == 0, done.stderr
    pairs = (os.fsdecode(each).partition("=") for each in done.stdout.split(b"\0") if each)
    return {name: value for name, _, value in pairs}


def _layer(root: Path) -> OpenLayer:
    (root / "x").mkdir(exist_ok=True)
    return OpenLayer(Layer("layer", launch=True, build=True), None, str(root / "x"), Log())


def test_a_function_sets_variables_of_the_app(tmp_path: Path, lifecycle: Path) -> None:
    with _layer(tmp_path) as layer:
        layer.exec_d("10-greet", greet)
        layer.exec_d("20-nothing", say_nothing)
        layer.env.launch.override("NAME", "världen")
    seen = _variables(_launch(tmp_path, lifecycle))
    assert seen["GREETING"] == "VÄRLDEN"
    assert seen["HERE"] == str(tmp_path / "app")


def test_a_program_for_one_process_type_leaves_the_others_alone(
    tmp_path: Path, lifecycle: Path
) -> None:
    with _layer(tmp_path) as layer:
        layer.exec_d("greet", greet, process="web")
    assert "GREETING" in _variables(_launch(tmp_path, lifecycle, "web"))
    assert "GREETING" not in _variables(_launch(tmp_path, lifecycle, "worker"))


@given(
    values=st.dictionaries(
        st.text("AZ_é", min_size=1),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        min_size=1,
    )
)
@settings(max_examples=25)
def test_any_text_arrives_as_it_is(values: dict[str, str], lifecycle: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        with _layer(root) as layer:
            layer.exec_d("given", given_values)
        (root / "app").mkdir()
        (root / "app" / "values.json").write_text(json.dumps(values))
        seen = _variables(_launch(root, lifecycle))
    assert {name: seen.get(name) for name in values} == values


def test_a_function_that_fails_keeps_the_app_from_starting(tmp_path: Path, lifecycle: Path) -> None:
    with _layer(tmp_path) as layer:
        layer.exec_d("broken", broken)
    done = _launch(tmp_path, lifecycle)
    assert done.returncode != 0
    assert b"RuntimeError: cannot say" in done.stderr


def test_without_python_in_the_image_the_app_does_not_start_and_says_why(
    tmp_path: Path, lifecycle: Path
) -> None:
    with _layer(tmp_path) as layer:
        layer.exec_d("greet", greet)
    (tmp_path / "empty").mkdir()
    done = _launch(tmp_path, lifecycle, PATH=str(tmp_path / "empty"))
    assert done.returncode != 0
    assert b"exec.d/greet needs python3, which is not on PATH in this image" in done.stderr


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (dict, "no source of its own"),
        (print, "no source of its own"),
        (uses_module, "uses json of its module"),
        (uses_module_within, "uses json of its module"),
        (takes, "nothing to give takes for argument"),
    ],
)
def test_what_could_not_run_at_launch_is_refused_at_build(
    function: Callable[[], object], said: str
) -> None:
    with pytest.raises(BuildpackFault, match=said):
        script(function)


def test_a_function_that_uses_what_is_around_it_is_refused() -> None:
    value = "x"

    def closes() -> dict[str, str]:
        return {"X": value}

    with pytest.raises(BuildpackFault, match="nothing to give closes for value"):
        script(closes)


@pytest.mark.parametrize("name", ["", "../x", "a/b"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BuildpackFault), _layer(tmp_path) as layer:
        layer.exec_d(name, greet)

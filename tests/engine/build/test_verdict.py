"""An app that nothing recognises: twelve lines at most, and a next step that works."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnbkit_engine.build.convention_table import CONVENTIONS
from cnbkit_engine.build.verdict import judged, next_step
from cnbkit_engine.lifecycle.detection import Detection
from cnbkit_engine.lifecycle.failure import BuildFailed
from cnbkit_start import Start

if TYPE_CHECKING:
    from cnbkit.testing import BuildpackRun

LOOKED_FOR = [*Start.triggers.files, "BP_PYTHON_INPUT"]
MODEL = "add an app.py that serves it"


def detection(*lines: str) -> Detection:
    found = Detection()
    for line in lines:
        found.line(line)
    return found


def nothing(*looked_for: str) -> Detection:
    return detection(
        "======== Output: acme/start@1 ========",
        f"  skip: none of {', '.join(looked_for or LOOKED_FOR)}",
        "======== Results ========",
        "fail: acme/start@1",
    )


@pytest.mark.parametrize(
    ("paths", "step"),
    [
        (["backend/requirements.txt"], "cnbkit build ./app/backend"),
        (["backend/requirements.txt", "Dockerfile"], "cnbkit build ./app/backend"),
        (["a/b/app.py", "services/uv.lock"], "cnbkit build ./app/services"),
        (["x/app.py", "y/app.py", "y/requirements.txt"], "cnbkit build ./app/y"),
        (["my app/app.py"], "cnbkit build './app/my app'"),
        (["tests/requirements.txt", ".ci/app.py", "docs/requirements.txt"], "add requirements.txt"),
        (
            ["requirements/dev.txt", "requirements/prod.txt", "requirements/a.txt"],
            "cnbkit build ./app --env BP_PYTHON_INPUT=requirements/prod.txt",
        ),
        (
            ["requirements/prod.in", "requirements/prod.txt"],
            "cnbkit build ./app --env BP_PYTHON_INPUT=requirements/prod.txt",
        ),
        (["requirements-gpu.txt"], "cnbkit build ./app --env BP_PYTHON_INPUT=requirements-gpu.txt"),
        (
            ["requirements.dev.txt", "requirements.lock.txt"],
            "cnbkit build ./app --env BP_PYTHON_INPUT=requirements.lock.txt",
        ),
        (
            ["dev-requirements.txt", "prod_requirements.txt"],
            "cnbkit build ./app --env BP_PYTHON_INPUT=prod_requirements.txt",
        ),
        (["package.json", "server.js"], "package.json: the reference builder is for Python"),
        (["package.json", "railway.json", "a.js"], "package.json: the reference builder is for Py"),
        (["Dockerfile", "go.mod", "main.go"], "go.mod: the reference builder is for Python"),
        (["package.json", "railway.json", "a/b.py"], "railway.json: startCommand is a line of Pr"),
        (["package.json", "api/requirements.txt"], "cnbkit build ./app/api"),
        (["bot.py"], "say what starts: echo 'web: python3 bot.py' >Procfile"),
        (["a.py", "server.py"], "say what starts: echo 'web: python3 server.py' >Procfile"),
        (["add.py", "flask_app.py"], "say what starts: echo 'web: python3 flask_app.py' >Procfile"),
        (["a.py", "manage.py", "shop/urls.py"], "manage.py: write django, gunicorn and what else"),
        (["conftest.py", "test_x.py"], "add requirements.txt"),
        (["apt.txt"], "apt.txt: Debian packages stand in Aptfile: cp apt.txt Aptfile"),
        (["binder/apt.txt", "index.ipynb"], "binder/: copy what is in it to the app's root"),
        (["runtime.txt"], "runtime.txt: it says which Python, not what to install or start"),
        (["mise.toml"], "mise.toml: it says which Python, not what to install or start"),
        (["b.ipynb", "a.ipynb"], "a.ipynb: write jupyterlab and its packages into requirements"),
        (["MLmodel"], "MLmodel: write mlflow and the model's packages into requirements.txt"),
        (["model/x.onnx"], f"model/x.onnx: {MODEL}, and a requirements.txt with onnxruntime"),
        (["x.joblib"], f"x.joblib: {MODEL}, and a requirements.txt with joblib"),
        (["m.safetensors"], f"m.safetensors: {MODEL}, and a requirements.txt with safetensors and"),
        (["Dockerfile"], "Dockerfile: cnbkit adopt writes the files that replace it"),
        (["README.md"], "add requirements.txt, environment.yml or a Procfile"),
        ([], "name another folder: there is no file in this one"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_next_step_is_that_of_what_is_there(
    paths: list[str], step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert next_step(paths, LOOKED_FOR, tmp_path / "app")[0].startswith(step)


@pytest.mark.parametrize("convention", CONVENTIONS, ids=lambda each: each.name)
def test_every_convention_is_a_step_or_a_finding(convention: object, tmp_path: Path) -> None:
    name = getattr(convention, "name").replace("*", "x")  # noqa: B009
    path = f"{name}x" if name.endswith("/") else name
    alone, _ = next_step([path], LOOKED_FOR, tmp_path)
    assert alone.startswith(f"{name}: ")
    _, findings = next_step([path, "bot.py"], LOOKED_FOR, tmp_path)
    assert [line for line in findings if line.startswith(f"{name} (")] != []


@pytest.mark.parametrize("name", ["bot.py", "my bot.py", "it's.py"])
def test_after_the_command_for_a_script_start_recognises_the_app(
    name: str, tmp_path: Path, buildpack_run: BuildpackRun
) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / name).write_text("print(1)\n")
    step, _ = next_step([name], LOOKED_FOR, app)
    assert buildpack_run(Start, app=app, phases=["detect"]).code == 100
    command = step.removeprefix("say what starts: ")
    subprocess.run(command, shell=True, cwd=app, check=True)
    result = buildpack_run(Start, app=app)
    assert result.code == 0, result.log
    assert name in " ".join(result.processes["web"].command)


def test_a_folder_outside_the_current_one_is_named_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    step, _ = next_step(["x/app.py"], LOOKED_FOR, tmp_path / "app")
    assert step == f"cnbkit build {tmp_path / 'app' / 'x'}"


def test_only_what_the_builders_buildpacks_look_for_makes_a_folder_an_app(tmp_path: Path) -> None:
    step, _ = next_step(["a/requirements.txt", "b/deep.txt"], ["deep.txt"], tmp_path)
    assert step == f"cnbkit build {tmp_path / 'b'}"
    assert not next_step(["requirements/a.txt"], ["deep.txt"], tmp_path)[0].startswith("cnbkit")


PATHS = st.lists(
    st.tuples(
        st.sampled_from(["", "a/", "b/", "c d/", "binder/", "requirements/"]),
        st.sampled_from(
            [*LOOKED_FOR, *(each.name.strip("*/") for each in CONVENTIONS), "x.py", "y.ipynb", "z"]
        ),
    ).map("".join)
)


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A builder whose buildpacks read the settings that have to do with inputs."""
    folder = tmp_path_factory.mktemp("builder")
    (folder / "settings.txt").write_text("BP_PYTHON_FOLDER\nBP_PYTHON_INPUT\n")
    return folder


def test_a_project_in_a_folder_can_also_be_built_with_what_is_beside_it(
    builder: Path, tmp_path: Path
) -> None:
    failed = judged(
        BuildFailed(20, Path("last.log")), nothing(), tmp_path, ["web/app.py", "lib/x.py"], builder
    )
    assert failed.remedy == f"cnbkit build {tmp_path}/web"
    assert failed.detail is not None
    first = failed.detail.splitlines()[0]
    assert first == "web/ holds app.py; with files beside it: --env BP_PYTHON_FOLDER=web"
    assert "BP_PYTHON" not in str(next_step(["web/app.py"], ["app.py"], tmp_path))


@given(PATHS)
def test_never_more_than_twelve_lines(builder: Path, paths: list[str]) -> None:
    failed = judged(BuildFailed(20, Path("last.log")), nothing(), Path("/app"), paths, builder)
    lines = str(failed).splitlines()
    assert len(lines) <= 12
    assert failed.exit_code == 20
    assert lines[0] == "Error: no buildpack recognises this app: /app"
    assert lines[-1] == "    --verbose shows what each buildpack looked for"


def test_a_plan_that_does_not_come_out_is_told_as_that(builder: Path) -> None:
    found = detection(
        "======== Results ========",
        "pass: acme/app@1",
        "fail: acme/app@1 requires node",
    )
    failed = judged(BuildFailed(20, Path("last.log")), found, Path("/app"), ["bot.py"], builder)
    assert failed.exit_code == 20
    assert failed.what == (
        "the buildpacks do not fit together: acme/app@1 requires node, "
        "which nothing before it in its group provides"
    )
    assert failed.remedy == (
        "let a buildpack that provides node stand before it in that group of the builder"
    )


def test_what_nobody_requires_is_told_with_the_other_remedy(builder: Path) -> None:
    found = detection(
        "======== Results ========", "pass: acme/a@1", "fail: acme/a@1 provides unused ruby"
    )
    failed = judged(BuildFailed(20, Path("last.log")), found, Path("/app"), [], builder)
    assert failed.remedy == "make acme/a@1 optional in that group of the builder"


def test_another_failure_stays_as_it_is(builder: Path) -> None:
    failed = BuildFailed(51, Path("last.log"))
    assert judged(failed, nothing(), Path("/app"), [], builder) is failed

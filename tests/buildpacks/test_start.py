from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cnbkit import UserFault
from cnbkit_start import Start
from cnbkit_start.procfile import parse

from .told import telling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.buildpacks.conftest import Phases, Ran

ROOT = Path(__file__).parents[2]
LIMITS = ROOT / "buildpacks" / "start" / "launch" / "limits"
PYTHON_OR_NOT = {
    "requires": [{"name": "python", "metadata": {"launch": True}}],
    "or": [{}],
}
DIRECT = {
    "gunicorn app:app": ["gunicorn", "app:app"],
    "python\t-m  app": ["python", "-m", "app"],
    "python -m 'my app' --title \"a b\"": ["python", "-m", "my app", "--title", "a b"],
    "./serve --level=3 a:b,c": ["./serve", "--level=3", "a:b,c"],
    r"printf a\ b": ["printf", "a b"],
}
IN_BASH = {
    "gunicorn -b :$PORT app:app": "exec gunicorn -b :$PORT app:app",
    "gunicorn -b :${PORT:-8000} app": "exec gunicorn -b :${PORT:-8000} app",
    "python app.py >log 2>&1": "exec python app.py >log 2>&1",
    "cat *.txt": "exec cat *.txt",
    "migrate && serve": "migrate && serve",
    "yes | head": "yes | head",
    "cd src; serve": "cd src; serve",
    "gunicorn -w $(nproc) app": "gunicorn -w $(nproc) app",
    "MODE=fast serve": "MODE=fast serve",
    "exec serve": "exec serve",
    "if test -f x; then serve; fi": "if test -f x; then serve; fi",
}


@pytest.fixture
def phases(phases: Phases) -> Phases:
    """Without a look at whether the commands, which are made up, could start."""
    phases.env["BP_START_CHECK"] = "off"
    return phases


def processes(ran: Ran) -> dict[str, list[str]]:
    return {process["type"]: process["command"] for process in ran.launch["processes"]}


def defaults(ran: Ran) -> list[str]:
    return [each["type"] for each in ran.launch["processes"] if each.get("default")]


def test_a_project_in_a_folder_is_started_there(phases: Phases) -> None:
    phases.env["BP_PYTHON_FOLDER"] = "services/api"
    (phases.app / "services/api").mkdir(parents=True)
    phases.write("Procfile", "web: other\n")
    phases.write("services/api/Procfile", "web: serve\n")
    assert phases.detect(Start()).code == 0
    ran = phases.build(Start())
    [process] = ran.launch["processes"]
    assert process["command"] == ["serve"]
    assert process["working-dir"] == "services/api"


@pytest.mark.parametrize("folder", ["none", "..", "/", "services/../.."])
def test_a_folder_that_is_not_in_the_app_is_refused(phases: Phases, folder: str) -> None:
    phases.env["BP_PYTHON_FOLDER"] = folder
    phases.write("Procfile", "web: serve\n")
    ran = phases.build(Start())
    assert isinstance(ran.fault, UserFault)
    assert ran.fault.what == f"there is no folder {folder} in the app"
    assert ran.fault.where == "BP_PYTHON_FOLDER"


def test_detect_skips_an_app_it_knows_nothing_of(phases: Phases) -> None:
    phases.write("index.js", "")
    (phases.app / "app.py").mkdir()
    ran = phases.detect(Start())
    assert ran.code == 100
    assert "skip: none of Procfile, app.py, main.py" in ran.out


@pytest.mark.parametrize("name", ["Procfile", "app.py", "main.py", "requirements.txt"])
def test_detect_asks_for_python_but_can_do_without(phases: Phases, name: str) -> None:
    phases.write(name, b"\xff whatever is in it is for build to judge")
    ran = phases.detect(Start())
    assert (ran.code, ran.plan) == (0, PYTHON_OR_NOT)
    assert f"join: found {name}" in ran.out


STARTS = [
    *("Procfile", "entrypoint.toml", "app.py", "main.py", "train.py", "streamlit_app.py"),
    *("requirements.txt", "requirements.in", "pyproject.toml", "pylock.toml", "setup.py"),
    *("Pipfile", "Pipfile.lock", "poetry.lock", "uv.lock", "pdm.lock", "environment.yml"),
]


@pytest.mark.parametrize("name", STARTS)
def test_each_file_that_may_say_what_starts_is_enough_to_join(phases: Phases, name: str) -> None:
    phases.write(name, "web: x")
    assert phases.detect(Start()).code == 0


def test_app_py_goes_before_main_py(phases: Phases) -> None:
    phases.write("app.py", "")
    phases.write("main.py", "")
    ran = phases.build(Start())
    assert ran.launch == {
        "processes": [{"type": "web", "command": ["python3", "app.py"], "default": True}]
    }
    assert "  web: python3 app.py, from app.py\n" in ran.out


def test_procfile_goes_before_app_py(phases: Phases) -> None:
    phases.write("app.py", "")
    phases.write("Procfile", "# ours\r\n\r\n  worker: celery -A app\r\nweb : gunicorn app:app\r\n")
    ran = phases.build(Start())
    assert processes(ran) == {
        "worker": ["celery", "-A", "app"],
        "web": ["gunicorn", "app:app"],
    }
    assert defaults(ran) == ["web"]
    assert "web: gunicorn app:app, from Procfile:4\n" in ran.out


def test_web_comes_from_app_py_if_the_procfile_has_none(phases: Phases) -> None:
    phases.write("app.py", "")
    phases.write("Procfile", "train: python train.py\n")
    ran = phases.build(Start())
    assert processes(ran) == {
        "train": ["python", "train.py"],
        "web": ["python3", "app.py"],
    }
    assert defaults(ran) == ["web"]


def test_without_web_the_first_process_is_web_too_and_the_log_says_so(phases: Phases) -> None:
    phases.write("Procfile", "train: ./train\neval: ./eval\n")
    ran = phases.build(Start())
    assert processes(ran) == {"train": ["./train"], "eval": ["./eval"], "web": ["./train"]}
    assert defaults(ran) == ["web"]
    assert "  web: the same as train, because nothing says what web is\n" in ran.out


@pytest.mark.parametrize("procfile", [None, "", "# nothing yet\n\n"])
def test_a_project_with_nothing_to_start_is_told_what_to_add(
    phases: Phases, procfile: str | None
) -> None:
    del phases.env["BP_START_CHECK"]
    phases.write("requirements.txt", "")
    if procfile is not None:
        phases.write("Procfile", procfile)
    ran = phases.build(Start())
    assert ran.code == 65
    assert ran.fault is not None
    assert "no process to start" in ran.fault.what
    assert "add a Procfile with `web: <command>`, or an app.py" in str(ran.fault)
    assert ran.launch == {}


@pytest.mark.parametrize("check", ["warn", "off"])
def test_an_image_that_starts_nothing_is_built_where_that_is_allowed(
    phases: Phases, check: str
) -> None:
    phases.env["BP_START_CHECK"] = check
    phases.write("requirements.txt", "six\n")
    assert phases.detect(Start()).code == 0
    ran = phases.build(Start())
    assert ran.fault is None
    assert ran.launch.get("processes", []) == []
    assert "the image starts nothing by itself" in ran.out


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"predict.py": "x = 1\n", "lib.py": "x = 1\n"}, "python3 lib.py"),
        ({"predict.py": 'if __name__ == "__main__":\n    1\n', "lib.py": ""}, "python3 predict.py"),
        ({"manage.py": "", "tests.py": ""}, "python3 manage.py runserver 0.0.0.0:$PORT"),
        (
            {
                "requirements.txt": "-e .\n",
                "pyproject.toml": '[project.scripts]\nserve = "a:b"\nadmin = "a:c"\n'
                "[build-system]\nrequires = []\n",
            },
            "serve",
        ),
        ({"setup.py": "", "test_a.py": "", "_own.py": ""}, ""),
    ],
)
def test_what_looks_like_a_program_is_in_the_line_to_add(
    phases: Phases, files: dict[str, str], command: str
) -> None:
    del phases.env["BP_START_CHECK"]
    for name, text in {"requirements.txt": "", **files}.items():
        phases.write(name, text)
    ran = phases.build(Start())
    assert ran.fault is not None
    line = f"echo 'web: {command}' >Procfile" if command else "add a Procfile with `web: <command>`"
    assert line in (ran.fault.remedy or "")


@pytest.mark.parametrize(("line", "command"), DIRECT.items())
def test_a_plain_command_runs_without_a_shell(line: str, command: list[str]) -> None:
    [entry], problems = parse(f"web: {line}")
    assert (entry.command, problems) == (command, [])


@pytest.mark.parametrize(("line", "script"), IN_BASH.items())
def test_shell_syntax_runs_in_bash(line: str, script: str) -> None:
    [entry], problems = parse(f"web: {line}")
    assert (entry.command, problems) == (["bash", "-c", script], [])


@pytest.mark.parametrize(
    "rest", ["", " $NOTHING", " >/dev/stdout", " 2>&1", " &>/dev/stdout", " # said"]
)
def test_signals_reach_a_single_program_itself(rest: str, tmp_path: Path) -> None:
    script = tmp_path / "pid.py"
    script.write_text("import os\nprint(os.getpid())\n")
    [entry], _ = parse(f"web: {sys.executable} {script}{rest}")
    with subprocess.Popen(entry.command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert int(process.stdout.read()) == process.pid


def test_a_quoted_line_means_the_same_directly_as_in_bash() -> None:
    line = r"""printf '%s\n' 'a  b' "c 'd" e\ f "g\"h" x'y'z "i\\j" """
    [entry], _ = parse(f"p: {line}")
    assert entry.command[0] == "printf"
    direct = subprocess.run(entry.command, capture_output=True, check=True).stdout
    by_bash = subprocess.run(["bash", "-c", line], capture_output=True, check=True).stdout
    assert direct == by_bash


def test_every_fault_of_a_procfile_is_told_with_its_line(phases: Phases) -> None:
    phases.write(
        "Procfile",
        "web: ./a\nno colon\nwe b: ./b\n\nweb: ./c\nempty:\nquote: echo 'a\n: x\nnul: a\0b\n"
        "comment: # c\nnothing: ''\n",
    )
    ran = phases.build(Start())
    assert ran.code == 65
    assert ran.fault is not None
    assert ran.fault.what == "Procfile has 9 faults"
    assert (ran.fault.detail or "").splitlines() == [
        "Procfile:2: a line without a colon names no process",
        "Procfile:3: a process type may hold letters, digits and '._-'; found ' '",
        "Procfile:5: web is there already, in line 1",
        "Procfile:6: the command is missing",
        "Procfile:7: the command cannot be read: no closing quotation",
        "Procfile:8: a process type may hold letters, digits and '._-'; found nothing",
        "Procfile:9: the command holds a control character",
        "Procfile:10: the command is missing",
        "Procfile:11: the command is missing",
    ]


def test_a_single_fault_of_a_procfile_stands_in_the_headline(phases: Phases) -> None:
    phases.write("Procfile", "web: ./a\nweb: ./b\n")
    fault = phases.build(Start()).fault
    assert fault is not None
    assert (fault.what, fault.where) == (
        "Procfile: web is there already, in line 1",
        "Procfile:2",
    )


def test_a_procfile_in_another_encoding_is_refused_with_its_line(phases: Phases) -> None:
    phases.write("Procfile", b"web: ./a\nx: caf\xe9\n")
    ran = phases.build(Start())
    assert ran.fault is not None
    assert ran.fault.where == "Procfile:2"


TABLES = """
[tool.cnbkit.processes]
web = "gunicorn --bind :$PORT app:app"
train = {command = ["python", "train.py"], args = ["--epochs", "3"], working-dir = "src"}

[tool.cnbkit.processes.check]
command = "python -m check"
exec-env = ["test"]
"""
FROM_TABLES = [
    {"type": "web", "command": ["bash", "-c", "exec gunicorn --bind :$PORT app:app"]},
    {
        "type": "train",
        "command": ["python", "train.py"],
        "args": ["--epochs", "3"],
        "working-dir": "src",
    },
    {"type": "check", "command": ["python", "-m", "check"], "exec-env": ["test"]},
]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("pyproject.toml", TABLES),
        ("project.toml", TABLES),
        ("entrypoint.toml", TABLES.replace("tool.cnbkit.processes.", "").replace("[tool", "#[")),
    ],
)
def test_a_toml_file_declares_processes(phases: Phases, file: str, text: str) -> None:
    phases.write("requirements.txt", "")
    phases.write(file, text)
    ran = phases.build(Start())
    assert [
        {name: value for name, value in each.items() if name != "default"}
        for each in ran.launch["processes"]
    ] == FROM_TABLES
    assert defaults(ran) == ["web"]
    assert f"train: python train.py --epochs 3, from {file}:4\n" in ran.out
    assert f"check: python -m check, from {file}:6\n" in ran.out


def test_the_entrypoint_file_may_have_another_name(phases: Phases) -> None:
    phases.env["BP_ENTRYPOINT_FILE"] = "deploy/start.toml"
    (phases.app / "deploy").mkdir()
    phases.write("deploy/start.toml", 'web = "./serve"\n')
    assert processes(phases.build(Start())) == {"web": ["./serve"]}
    phases.env["BP_ENTRYPOINT_FILE"] = "deploy/other.toml"
    ran = phases.build(Start())
    assert ran.fault is not None
    assert ran.fault.what.startswith("cannot read deploy/other.toml")


def test_of_two_files_that_say_the_same_type_the_first_counts_and_the_log_says_so(
    phases: Phases,
) -> None:
    phases.write("entrypoint.toml", 'web = "./one"\n')
    phases.write("Procfile", "web: ./two\nworker: ./work\n")
    phases.write("pyproject.toml", '[tool.cnbkit]\nprocesses = {web = "./three", eval = "./e"}\n')
    ran = phases.build(Start())
    assert processes(ran) == {"web": ["./one"], "worker": ["./work"], "eval": ["./e"]}
    assert "web in Procfile:1 is not used: entrypoint.toml:1 has one" in ran.out
    assert "is not used: entrypoint.toml:1 has one" in ran.out.partition("pyproject.toml")[2]


def test_every_fault_of_a_table_is_told_with_its_line(phases: Phases) -> None:
    phases.write(
        "pyproject.toml",
        "[tool.cnbkit.processes]\na = 1\n'b c' = \"x\"\nc = {command = []}\n"
        'd = {command = ["x"], arguments = []}\ne = {command = ["x"], args = "y"}\n'
        'f = {command = ["x"], default = "yes"}\ng = {command = "x $Y", args = ["z"]}\n'
        'h = ""\ni = {command = ["x"], working-dir = 1}\nj = {command = ["\\u0000"]}\n',
    )
    fault = phases.build(Start()).fault
    assert fault is not None
    assert (fault.detail or "").splitlines() == [
        "pyproject.toml:2: a: command must be a text, or a list of texts",
        "pyproject.toml:3: a process type may hold letters, digits and '._-'; found ' '",
        "pyproject.toml:4: c: command must be a text, or a list of texts",
        (
            "pyproject.toml:5: d has no arguments; it may have command, args, default, "
            "working-dir, exec-env"
        ),
        "pyproject.toml:6: e: args must be a list of texts",
        "pyproject.toml:7: f: default must be true or false",
        (
            "pyproject.toml:8: g: args go with a command that needs no shell; write it as a list "
            "of words"
        ),
        "pyproject.toml:9: the command is missing",
        "pyproject.toml:10: i: working-dir must be a text",
        "pyproject.toml:11: j: a NUL character cannot be part of a command",
    ]
    assert "write `type = " in str(fault)


@pytest.mark.parametrize("value", ["1", '"x"', "[]", "[{}]"])
def test_a_table_that_is_none_is_refused(phases: Phases, value: str) -> None:
    phases.write("pyproject.toml", f"[tool.cnbkit]\nprocesses = {value}\n")
    fault = phases.build(Start()).fault
    assert fault is not None
    assert fault.what == "pyproject.toml: tool.cnbkit.processes is not a table"
    assert fault.where == "pyproject.toml:2"


def test_the_default_may_be_declared_or_set(phases: Phases) -> None:
    phases.write("app.py", "")
    phases.write("entrypoint.toml", 'train = {command = "./train", default = true}\n')
    ran = phases.build(Start())
    assert defaults(ran) == ["train"]
    assert "  train is what the image starts\n" in ran.out
    phases.env["BP_DEFAULT_PROCESS"] = "web"
    assert defaults(phases.build(Start())) == ["web"]
    phases.env["BP_DEFAULT_PROCESS"] = "serve"
    fault = phases.build(Start()).fault
    assert fault is not None
    assert fault.what == "there is no process serve"
    assert fault.remedy == "use one of: train, web"


def test_a_process_without_its_packages_is_left_out(phases: Phases) -> None:
    phases.write("Procfile", "web: serve\ntrain: ./train\n")
    phases.env |= telling(left_out={"train": ["train", "viz"], "other": ["dev"]})
    ran = phases.build(Start())
    assert processes(ran) == {"web": ["serve"]}
    assert "  train: left out, because this image has no packages of train,viz" in ran.out
    # What runs at launch is the same, so that an image that trains has this layer in common.
    programs = {path.name for path in (ran.layers / "limits" / "exec.d").iterdir()}
    assert programs == {"environment", "web", "train"}
    phases.env |= telling(left_out={"web": ["serve"]})
    ran = phases.build(Start())
    assert processes(ran) == {"web": ["./train"], "train": ["./train"]}
    assert "web: the same as train, because web is left out" in ran.out
    phases.env["BP_DEFAULT_PROCESS"] = "web"
    fault = phases.build(Start()).fault
    assert fault is not None
    assert fault.what == "web: left out, because this image has no packages of serve"
    assert "add serve to BP_PYTHON_GROUPS" in (fault.remedy or "")
    del phases.env["BP_DEFAULT_PROCESS"]
    phases.env |= telling(left_out={"web": ["serve"], "train": ["train"]})
    assert phases.build(Start()).fault is not None


def test_two_declared_defaults_are_refused(phases: Phases) -> None:
    phases.write(
        "entrypoint.toml",
        'a = {command = "./a", default = true}\nb = {command = "./b", default = true}\n',
    )
    fault = phases.build(Start()).fault
    assert fault is not None
    assert fault.what == "more than one process is the default: a, b"
    assert fault.where == "entrypoint.toml:1, entrypoint.toml:2"


MANAGE = "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
FLASK = "from flask import Flask\napp = Flask(__name__)\n"
FASTAPI = "import fastapi\n\napi: fastapi.FastAPI = fastapi.FastAPI(\n    title='x',\n)\n"
MAIN = "if __name__ == '__main__':\n    app.run()\n"
PORT = "${PORT:-8080}"
JUPYTER = f"--no-browser --ip=0.0.0.0 --port={PORT} --ServerApp.port_retries=0"
FRAMEWORKS: dict[str, tuple[dict[str, str], str, str]] = {
    "fastapi": (
        {"requirements.txt": "fastapi\nuvicorn[standard]>=0.30\n", "main.py": FASTAPI},
        f"uvicorn --host 0.0.0.0 --port {PORT} main:api",
        "main.py:3",
    ),
    "fastapi brings its server": (
        {"requirements.txt": "FastAPI[Standard]==0.115 # web\n", "app.py": FASTAPI},
        f"uvicorn --host 0.0.0.0 --port {PORT} app:api",
        "app.py:3",
    ),
    "fastapi in a package below src": (
        {
            "pyproject.toml": '[project]\ndependencies = ["fastapi", "uvicorn"]\n',
            "src/shop/__init__.py": "",
            "src/shop/main.py": FASTAPI,
        },
        f"uvicorn --app-dir src --host 0.0.0.0 --port {PORT} shop.main:api",
        "src/shop/main.py:3",
    ),
    "fastapi made by a function": (
        {
            "requirements.txt": "-r more.txt",
            "more.txt": "uvicorn\nfastapi\n",
            "app.py": "from fastapi import FastAPI\ndef create_app():\n    return FastAPI()\n",
        },
        f"uvicorn --factory --host 0.0.0.0 --port {PORT} app:create_app",
        "app.py:2",
    ),
    "flask": (
        {
            "uv.lock": '[[package]]\nname = "flask"\n[[package]]\nname = "gunicorn"\n',
            "app.py": FLASK,
        },
        f"gunicorn --bind 0.0.0.0:{PORT} app:app",
        "app.py:2",
    ),
    "flask made by a function": (
        {
            "Pipfile.lock": '{\n"default": {\n"flask": {\n},\n"gunicorn": {\n}\n}\n}\n',
            "shop/__init__.py": "from flask import Flask\ndef create_app(test=None):\n  pass\n",
        },
        f"gunicorn --bind 0.0.0.0:{PORT} 'shop:create_app()'",
        "shop/__init__.py:2",
    ),
    "django": (
        {"requirements.txt": "Django\ngunicorn\n", "manage.py": MANAGE, "shop/wsgi.py": ""},
        f"gunicorn --bind 0.0.0.0:{PORT} shop.wsgi:application",
        "shop/wsgi.py",
    ),
    "django by asgi": (
        {
            "requirements.txt": "Django\nuvicorn\n",
            "manage.py": MANAGE,
            "shop/wsgi.py": "",
            "shop/asgi.py": "",
        },
        f"uvicorn --host 0.0.0.0 --port {PORT} shop.asgi:application",
        "shop/asgi.py",
    ),
    "streamlit": (
        {"requirements.txt": "streamlit\n", "app.py": "", "Home.py": "import streamlit as st\n"},
        (
            f"streamlit run --server.port={PORT} --server.address=0.0.0.0 --server.headless=true "
            "--browser.gatherUsageStats=false Home.py"
        ),
        "streamlit in Home.py",
    ),
    "gradio mounted in fastapi": (
        {"requirements.txt": "gradio\n", "app.py": f"import gradio\n{FASTAPI}"},
        f"uvicorn --host 0.0.0.0 --port {PORT} app:api",
        "app.py:4",
    ),
    "mlflow model": (
        {"requirements.txt": "mlflow\n", "model/MLmodel": ""},
        f"mlflow models serve --model-uri model --host 0.0.0.0 --port {PORT} --env-manager local",
        "model/MLmodel",
    ),
    "bentoml": (
        {
            "requirements.txt": "bentoml\n",
            "service.py": "import bentoml\n\n@bentoml.service(\n  x=1,\n)\nclass Shapes:\n  pass\n",
        },
        f"bentoml serve --host 0.0.0.0 --port {PORT} service:Shapes",
        "service.py:3",
    ),
    "bentofile": (
        {"requirements.txt": "bentoml\n", "bentofile.yaml": "name: x\nservice: 'svc:Old'  # x\n"},
        f"bentoml serve --host 0.0.0.0 --port {PORT} svc:Old",
        "bentofile.yaml:2",
    ),
}


@pytest.mark.parametrize(("files", "command", "origin"), FRAMEWORKS.values(), ids=FRAMEWORKS)
def test_what_starts_is_found_from_packages_and_files(
    phases: Phases, files: dict[str, str], command: str, origin: str
) -> None:
    for name, text in files.items():
        (phases.app / name).parent.mkdir(parents=True, exist_ok=True)
        phases.write(name, text)
    ran = phases.build(Start())
    assert processes(ran) == {"web": ["bash", "-c", f"exec {command}"]}, ran.fault
    assert f"  web: {command}, from {origin}\n" in ran.out


def test_gradio_is_told_where_to_listen(phases: Phases) -> None:
    phases.write("requirements.txt", "gradio\n")
    phases.write("app.py", "import gradio as gr\n")
    [bash, option, line] = processes(phases.build(Start()))["web"]
    phases.write(
        "app.py",
        "import os\nprint(*[os.environ[f'GRADIO_SERVER_{n}'] for n in ['NAME', 'PORT']])\n",
    )
    env = {"PATH": "/usr/bin:/bin", "PORT": "9000"}
    done = subprocess.run(
        [bash, option, line], env=env, cwd=phases.app, check=True, capture_output=True, text=True
    )
    assert done.stdout == "0.0.0.0 9000\n"


def test_ray_serve_is_started_on_the_port(phases: Phases) -> None:
    phases.write("requirements.txt", "ray[serve]\n")
    phases.write("serve.py", "from ray import serve\nentry = Model.bind(1)\n")
    ran = phases.build(Start())
    [python, option, code] = processes(ran)["web"]
    assert (python, option) == ("python3", "-c")
    compile(code, "command", "exec")
    assert "from serve import entry; serve.run(entry, blocking=True)" in code
    assert "web: Ray Serve with serve:entry, from serve.py:2\n" in ran.out


def test_a_project_s_only_script_is_web(phases: Phases) -> None:
    phases.write(
        "pyproject.toml",
        '[build-system]\n[project]\nname = "shop"\n[project.scripts]\nshop = "shop:main"\n',
    )
    phases.write("app.py", "")
    assert processes(phases.build(Start())) == {"web": ["shop"]}
    phases.write("pyproject.toml", '[project.scripts]\na = "shop:main"\nb = "shop:other"\n')
    assert processes(phases.build(Start())) == {"web": ["python3", "app.py"]}


@pytest.mark.parametrize(
    ("files", "server", "where"),
    [
        ({"requirements.txt": "fastapi\n", "app.py": FASTAPI}, "uvicorn", "app.py:3"),
        (
            {"requirements.txt": "django\n", "manage.py": MANAGE, "shop/wsgi.py": ""},
            "gunicorn",
            "shop/wsgi.py",
        ),
    ],
)
def test_a_server_that_is_not_among_the_packages_is_asked_for_and_never_installed(
    phases: Phases, files: dict[str, str], server: str, where: str
) -> None:
    del phases.env["BP_START_CHECK"]
    for name, text in files.items():
        (phases.app / name).parent.mkdir(exist_ok=True)
        phases.write(name, text)
    ran = phases.build(Start())
    assert ran.code == 65
    assert ran.fault is not None
    assert ran.fault.where == where
    assert f"add the line `{server}` to the dependencies in requirements.txt" in str(ran.fault)


def test_without_a_server_flask_runs_by_its_own_means_on_the_port_with_a_warning(
    phases: Phases,
) -> None:
    phases.write("requirements.txt", "flask\n")
    phases.write("app.py", FLASK + MAIN)
    ran = phases.build(Start())
    line = f"exec env FLASK_APP=app:app flask run --host 0.0.0.0 --port {PORT}"
    assert processes(ran) == {"web": ["bash", "-c", line]}
    assert "add the line `gunicorn` to the dependencies in requirements.txt" in ran.err


def test_the_lock_of_the_buildpacks_before_tells_what_is_installed(phases: Phases) -> None:
    """Not what the app's own lock holds besides: development packages are not in the image."""
    phases.write("uv.lock", '[[package]]\nname = "jupyterlab"\n')
    phases.write("app.py", "")
    lock = phases.layers / "pylock.toml"
    lock.write_text('[[packages]]\nname = "streamlit"\n')
    phases.env |= telling(inputs=["uv.lock"], lock=str(lock))
    assert set(processes(phases.build(Start()))) == {"web"}
    phases.env |= telling(inputs=["uv.lock"])
    assert set(processes(phases.build(Start()))) == {"web", "notebook"}


def test_groups_and_extras_that_are_asked_for_count(phases: Phases) -> None:
    phases.write(
        "pyproject.toml",
        '[project]\ndependencies = []\noptional-dependencies = {lab = ["jupyterlab"]}\n'
        '[dependency-groups]\nnb = ["notebook", {include-group = "x"}]\n',
    )
    phases.write("app.py", "")
    assert set(processes(phases.build(Start()))) == {"web"}
    phases.env["BP_PYTHON_EXTRAS"] = "lab"
    assert "notebook: jupyter lab" in phases.build(Start()).out
    phases.env["BP_PYTHON_EXTRAS"] = ""
    phases.env["BP_PYTHON_GROUPS"] = "x,nb"
    assert "notebook: jupyter notebook" in phases.build(Start()).out


def test_a_training_script_is_train_and_jupyter_is_notebook(phases: Phases) -> None:
    phases.write("requirements.txt", "jupyterlab\n")
    phases.write("train.py", "")
    ran = phases.build(Start())
    [bash, option, line] = processes(ran)["notebook"]
    assert line.endswith(f"exec jupyter lab {JUPYTER}")
    assert processes(ran)["train"] == processes(ran)["web"] == ["python3", "train.py"]
    # An empty token would let everybody in.
    env = {"PATH": "/usr/bin:/bin", "JUPYTER_TOKEN": ""}
    done = subprocess.run([bash, option, line], env=env, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (
        64,
        "Error: JUPYTER_TOKEN is empty: set it, or unset it to get one made\n",
    )


def test_each_process_has_its_launch_program(phases: Phases) -> None:
    phases.write("Procfile", "web: gunicorn app:app\ntrain: python train.py\n")
    ran = phases.build(Start())
    layer = ran.layers / "limits"
    assert {
        path.relative_to(layer / "exec.d").as_posix()
        for path in layer.rglob("exec.d/**/*")
        if path.is_file()
    } == {"web/workers", "train/threads", "environment"}
    again = phases.build(Start())
    assert again.code == 0
    phases.write("Procfile", "web: gunicorn app:app\n")
    assert phases.build(Start()).code == 0


ALWAYS = {
    "PORT": "8080",
    "PYTHONUNBUFFERED": "1",
    "PYTHONFAULTHANDLER": "1",
    "LANG": "C.UTF-8",
}


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({}, ALWAYS),
        ({"PORT": "9000"}, {**ALWAYS, "PORT": None}),
        ({"PORT": ""}, ALWAYS),
        ({"PYTHONUNBUFFERED": ""}, {**ALWAYS, "PYTHONUNBUFFERED": None}),
        ({"PYTHONFAULTHANDLER": ""}, {**ALWAYS, "PYTHONFAULTHANDLER": None}),
        ({"LC_ALL": "de_DE.UTF-8"}, {**ALWAYS, "LANG": None}),
        ({"LANG": ""}, {**ALWAYS, "LANG": None}),
    ],
)
def test_variables_of_python_images_are_set_unless_they_are(
    tmp_path: Path, env: dict[str, str], said: dict[str, str | None]
) -> None:
    home = {"HOME": str(tmp_path)}
    wanted = {name: value for name, value in said.items() if value is not None}
    assert environment(tmp_path, {**home, **env}) == wanted


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder for everybody; pytest's own are for one user."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o777)
        yield path


@pytest.mark.parametrize("home", [None, "", "/", "/nonexistent", "/no/such/folder", "."])
def test_a_user_without_a_home_gets_one(public: Path, home: str | None) -> None:
    app = public / "app"
    app.mkdir()
    env = {} if home is None else {"HOME": str(app) if home == "." else home}
    said = environment(app, {"TMPDIR": str(public), **env}, stranger=True)
    made = Path(said.pop("HOME"))
    assert said == ALWAYS
    assert (made.parent, made.stat().st_mode & 0o777) == (public, 0o700)
    # Again, and not if it is another's.
    assert environment(app, {"TMPDIR": str(public), **env}, stranger=True)["HOME"] == str(made)
    made.rmdir()
    made.symlink_to(app)
    assert "HOME" not in environment(app, {"TMPDIR": str(public), **env}, stranger=True)


def test_a_home_that_is_one_is_kept_though_it_is_read_only(public: Path) -> None:
    home = public / "home"
    home.mkdir(mode=0o555)
    env = {"HOME": str(home), "TMPDIR": str(public)}
    assert environment(public, env, stranger=True) == ALWAYS


def environment(app: Path, env: dict[str, str], *, stranger: bool = False) -> dict[str, str]:
    """What the launch program for all processes sets, perhaps for a user that nobody knows."""
    # As root everything is writable.
    user = 65533 if stranger and os.geteuid() == 0 else None
    # By its text: this checkout may lie in root's home, which is closed to others.
    program = LIMITS.with_name("environment").read_text()
    done = subprocess.run(
        ["sh", "-c", f"exec 3>&1\n{program}"],
        env={"PATH": "/usr/bin:/bin", **env},
        cwd=app,
        user=user,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return tomllib.loads(done.stdout)


V2 = {"cgroup.controllers": "cpu memory", "cpu.max": "350000 100000", "memory.max": "1610612736"}
V1 = {
    "cpu/cpu.cfs_quota_us": "350000",
    "cpu/cpu.cfs_period_us": "100000",
    "memory/memory.limit_in_bytes": "1610612736",
}
NO_MEMORY_LIMIT = {"memory.max": "max", "memory/memory.limit_in_bytes": "9223372036854771712"}


@pytest.mark.parametrize("files", [V2, V1], ids=["v2", "v1"])
@pytest.mark.parametrize(
    ("name", "memory", "env", "said"),
    [
        ("threads", True, {}, {"OMP_NUM_THREADS": "4"}),
        ("workers", True, {}, {"WEB_CONCURRENCY": "3", "OMP_NUM_THREADS": "1"}),
        ("workers", False, {}, {"WEB_CONCURRENCY": "4", "OMP_NUM_THREADS": "1"}),
        ("workers", True, {"WEB_CONCURRENCY": "2"}, {"OMP_NUM_THREADS": "2"}),
        ("workers", True, {"OMP_NUM_THREADS": "7"}, {"WEB_CONCURRENCY": "3"}),
        ("threads", True, {"OMP_NUM_THREADS": ""}, {}),
        ("workers", True, {"WEB_CONCURRENCY": "many"}, {"OMP_NUM_THREADS": "1"}),
    ],
)
def test_threads_and_workers_fit_the_limits_unless_they_are_set(
    tmp_path: Path,
    files: dict[str, str],
    name: str,
    memory: bool,
    env: dict[str, str],
    said: dict[str, str],
) -> None:
    assert limits(tmp_path, files if memory else {**files, **NO_MEMORY_LIMIT}, name, env) == said


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"cgroup.controllers": "", "cpu.max": "max 100000", "memory.max": "1024"},
        {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"},
        {"cpu.max": ""},
        {"cpu.max": "0 0"},
        {"cpu.max": "1e3 ;x"},
    ],
)
def test_without_a_limit_nothing_is_set(tmp_path: Path, files: dict[str, str]) -> None:
    assert limits(tmp_path, files, "workers", {}) == {}


def limits(root: Path, files: dict[str, str], name: str, env: dict[str, str]) -> dict[str, str]:
    """What the launch program says under a name, in a cgroup file system of these files."""
    cgroup = root / "cgroup"
    cgroup.mkdir()
    for file, text in files.items():
        (cgroup / file).parent.mkdir(exist_ok=True)
        (cgroup / file).write_text(f"{text}\n")
    program = root / name
    program.write_bytes(LIMITS.read_bytes())
    program.chmod(0o755)
    done = subprocess.run(
        ["bash", "-c", 'exec 3>&1; exec "$0" "$1"', program, cgroup],
        env={"PATH": "/usr/bin:/bin", **env},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return tomllib.loads(done.stdout)


@pytest.mark.parametrize("file", ["Procfile", "app.py", "requirements.txt"])
def test_an_unchanged_build_imports_nothing_heavy(phases: Phases, file: str) -> None:
    del phases.env["BP_START_CHECK"]
    phases.write("app.py", "print(1)\n")
    phases.write("pyproject.toml", "[tool.ruff]\n")
    texts = {"Procfile": "web: env X=1 bash app.py $X\n", "requirements.txt": "numpy\n"}
    phases.write(file, texts.get(file, ""))
    ran = phases.build(Start())
    assert ran.code == 0
    # As the lifecycle restores a layer that is for launch only.
    shutil.rmtree(phases.layers / "limits")
    toml = phases.layers / "limits.toml"
    toml.write_text(toml.read_text().partition("\n\n")[2])
    code = (
        "import os, sys; from cnbkit import runtime; from cnbkit_start import Start; "
        "runtime.build(Start(), os.environ); print(*sys.modules, file=sys.stderr)"
    )
    paths = ("sdk/src", "buildpacks/start", "buildpacks/common")
    env = {**phases.env, "PYTHONPATH": ":".join(f"{ROOT}/{path}" for path in paths)}
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        check=True, cwd=phases.app, env=env, capture_output=True, text=True,
    )  # fmt: skip
    heavy = {
        "typing",
        "re",
        "pathlib",
        "tomllib",
        "json",
        "pydantic",
        "enum",
        "inspect",
        "subprocess",
        "shlex",
        "ast",
    }
    assert heavy & set(done.stderr.split()) == set()
    assert not (phases.layers / "limits").exists()


LINES = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.text(st.characters(codec="utf-8"), max_size=30).map(str.encode),
        st.tuples(
            st.sampled_from([b"web", b"a.b", b"#", b"", b"\xef\xbb\xbfx"]),
            st.text(alphabet="ab =$'\"\\|&;#\t\r\u2028\u00e9", max_size=20).map(str.encode),
        ).map(b": ".join),
    ),
    max_size=5,
).map(b"\n".join)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=LINES)
@example(content=b"web: \\")
def test_any_procfile_gives_processes_with_one_default_or_a_user_fault(
    phases: Phases, content: bytes
) -> None:
    phases.write("Procfile", content)
    assert phases.detect(Start()).code == 0
    ran = phases.build(Start())
    if ran.code:
        assert ran.code == 65
        assert ran.launch == {}
    elif "processes" in ran.launch:
        assert len(defaults(ran)) == 1
        assert all(command and command[0] for command in processes(ran).values())
    else:
        assert "Procfile is empty: the image starts nothing by itself" in ran.out


TABLE = st.builds(
    "{}{} = {}\n".format,
    st.sampled_from(
        ["", *(f"[tool.cnbkit{name}]\n" for name in ("", ".processes", ".processes.web"))]
    ),
    st.sampled_from(["web", "processes", "command", "args", "'a b'", "default", "exec-env"]),
    st.sampled_from(
        ["1", "'x'", "'x $Y'", "''", "[]", "['x']", "['']", "{}", "true", "{command = 'x'}",
         "{command = ['x'], args = ['\\u0000']}", "[{}]", "{command = 'x', default = true}"]
    ),
)  # fmt: skip
CODE = st.lists(
    st.sampled_from(
        ["import flask", "from fastapi import FastAPI", "app = FastAPI(", "app = flask.Flask()",
         "def create_app(x=1):", "@bentoml.service", "class X", "x = X.bind(", "import ray, gradio",
         "if __name__ == '__main__':", "import", "from", "= (", "\x0c", "import streamlit"]
    ),
    max_size=5,
).map("\n".join)  # fmt: skip
PACKAGES = st.lists(
    st.sampled_from(
        ["fastapi", "flask[", "Django", "ray[serve]", "gunicorn # x", "-r requirements.txt", "-r",
         "bentoml", "gradio", "mlflow", "jupyter", "-e .", "\x00", "=", "[", "streamlit;"]
    ),
    max_size=4,
).map("\n".join)  # fmt: skip


def test_each_large_file_of_the_app_has_a_layer_of_its_own(phases: Phases) -> None:
    phases.write("Procfile", "web: x")
    phases.write("small.bin", b"x")
    (phases.app / "a [1]*" / "b").mkdir(parents=True)
    for name in ("z.bin", "a [1]*/b/w?\\.bin", "a [1]*/\udc80"):
        with (phases.app / name).open("wb") as file:
            file.truncate(16 << 20)
    (phases.app / "link.bin").symlink_to("z.bin")
    (phases.app / "around").symlink_to(".")
    ran = phases.build(Start())
    # As Go's filepath.Match reads it; a name that is not text stays with the rest.
    assert ran.launch["slices"] == [
        {"paths": [r"a \[1]\*/b/w\?\\.bin"]},
        {"paths": ["z.bin"]},
    ]
    assert "z.bin: in layers of their own, because they are large" in ran.out
    (phases.app / "z.bin").write_bytes(b"")
    shutil.rmtree(phases.app / "a [1]*")
    assert "slices" not in phases.build(Start()).launch


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    entrypoint=st.one_of(st.none(), st.binary(max_size=30), TABLE.map(str.encode)),
    project=st.one_of(st.binary(max_size=30), TABLE.map(str.encode)),
    packages=st.one_of(st.binary(max_size=20), PACKAGES.map(str.encode)),
    code=st.one_of(st.binary(max_size=20), CODE.map(str.encode)),
)
def test_whatever_the_files_hold_there_is_one_default_and_a_web_or_a_user_fault(
    phases: Phases, entrypoint: bytes | None, project: bytes, packages: bytes, code: bytes
) -> None:
    (phases.app / "entrypoint.toml").unlink(missing_ok=True)
    if entrypoint is not None:
        phases.write("entrypoint.toml", entrypoint)
    phases.write("pyproject.toml", project)
    phases.write("requirements.txt", packages)
    for name in ("app.py", "service.py", "manage.py", "bentofile.yaml"):
        phases.write(name, code)
    ran = phases.build(Start())
    if ran.code:
        assert (ran.code, ran.launch) == (65, {})
    elif not ran.launch:
        assert "the image starts nothing by itself" in ran.out  # allowed: nothing is checked
    else:
        assert len(defaults(ran)) == 1
        assert "web" in processes(ran)


SETTINGS = 'INSTALLED_APPS = ["django.contrib.staticfiles"]\nSTATIC_ROOT = "static"\n'
DJANGO = {
    "requirements.txt": "django\ngunicorn\n",
    "manage.py": MANAGE,
    "shop/settings.py": SETTINGS,
    "shop/wsgi.py": "application = 1\n",
    "main.py": "print(1)\n",
}


@pytest.mark.parametrize(
    ("files", "env", "wanted"),
    [
        ({}, {}, True),
        ({"shop/settings.py": SETTINGS.replace("STATIC_ROOT", "# STATIC_ROOT")}, {}, False),
        ({"shop/settings.py": "", "shop/settings/base.py": SETTINGS}, {}, True),
        ({"requirements.txt": "gunicorn\nflask\n"}, {}, False),
        ({}, {"BP_DJANGO_COLLECTSTATIC": "false"}, False),
        ({}, {"DISABLE_COLLECTSTATIC": "1"}, False),
        ({}, {"DISABLE_COLLECTSTATIC": "0"}, True),
    ],
)
def test_djangos_static_files_are_collected_where_settings_say_where_to(
    phases: Phases, tmp_path: Path, files: dict[str, str], env: dict[str, str], wanted: bool
) -> None:
    for name, text in {**DJANGO, **files}.items():
        (phases.app / name).parent.mkdir(parents=True, exist_ok=True)
        phases.write(name, text)
    phases.env.update(env)
    asked = phases.detect(Start()).plan["requires"]
    assert ({"name": "site-packages", "metadata": {"build": True}} in asked) == wanted
    site = tmp_path / "site"
    (site / "bin").mkdir(parents=True)
    python = site / "bin" / "python"
    python.write_text('#!/bin/sh\necho "$VIRTUAL_ENV $*" >made; echo "$SAYS"; exit ${CODE:-0}\n')
    python.chmod(0o755)
    phases.env |= telling(environment=str(site))
    ran = phases.build(Start())
    assert ran.code == 0, ran.fault
    made = phases.app / "made"
    assert made.exists() == wanted
    if wanted:
        assert made.read_text() == f"{site} manage.py collectstatic --noinput\n"
        phases.env["CODE"] = "3"
        fault = phases.build(Start()).fault
        assert fault is not None
        assert fault.what == "`manage.py collectstatic` failed"
        assert "BP_DJANGO_COLLECTSTATIC=false" in (fault.remedy or "")
        for said, change in (
            ("ModuleNotFoundError: No module named 'nonesuch.x'", "has the module nonesuch to"),
            ("ModuleNotFoundError: No module named 'dotenv'", "add python-dotenv to the dep"),
            ("ImportError: failed to find libmagic.  Check your installation", ":build: <package>"),
            ("OSError: libGL.so.1: cannot open shared object file", "to Aptfile"),
            ("KeyError: 'SECRET_KEY'", "with --env"),
            ("decouple.UndefinedValueError: SECRET_KEY not found.", "with --env"),
        ):
            phases.env["SAYS"] = f"Traceback (most recent call last):\n  x\n{said}"
            fault = phases.build(Start()).fault
            assert fault is not None
            assert fault.what.endswith(f": {said}")
            assert change in (fault.remedy or "")
        # Settings that have the folder under some condition only.
        phases.env["SAYS"] = (
            "ImproperlyConfigured: You're using the staticfiles app without having set the "
            "STATIC_ROOT setting to a filesystem path."
        )
        ran = phases.build(Start())
        assert ran.code == 0
        assert "in this build the settings have no STATIC_ROOT" in ran.err
        phases.env |= telling()
        assert "static files are not collected" in phases.build(Start()).err

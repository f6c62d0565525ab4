"""What a person would start: the script that prepares an app, Ray's own server, no example."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit_start import Start

if TYPE_CHECKING:
    from tests.buildpacks.conftest import Phases, Ran

PORT = "${PORT:-8080}"
UVICORN = f"uvicorn --app-dir src --host 0.0.0.0 --port {PORT} serving.api:app"
FASTAPI = "from fastapi import FastAPI\n\napp = FastAPI()\n"
API = {
    "requirements.txt": "fastapi\nuvicorn\n",
    "src/__init__.py": "",
    "src/serving/__init__.py": "",
    "src/serving/api.py": f"{FASTAPI}\ndef load_models(model): ...\n",
    "src/training.py": "def train(): ...\n",
}
SERVE = """\
import argparse

import uvicorn


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="{host}")
    args = parser.parse_args()
    from src.serving.api import app, load_models
    from src.training import train

    {prepares}
    uvicorn.run(app, host=args.host)


if __name__ == "__main__":
    main()
"""
LOADS = "load_models(train())"


def ran(phases: Phases, files: dict[str, str]) -> Ran:
    for name, text in files.items():
        path = phases.app / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return phases.detect(Start())


def line(found: Ran) -> str:
    return next(each for each in found.out.splitlines() if "web: " in each)


def test_a_script_that_loads_the_models_of_another_files_app_is_what_starts(
    phases: Phases,
) -> None:
    serve = SERVE.format(host="0.0.0.0", prepares=LOADS)
    found = ran(phases, {**API, "serve.py": serve})
    assert "web: python3 serve.py, from serve.py" in found.out
    phases.env["BP_START_CHECK"] = "warn"
    built = phases.build(Start())
    assert (
        "serve.py:13 calls load_models and then runs app of src/serving/api.py: a server that "
        "imports the app would leave that out, so the script starts" in built.err
    )


def test_where_nobody_would_reach_that_script_the_server_starts_and_the_log_says_what_it_lacks(
    phases: Phases,
) -> None:
    serve = SERVE.format(host="127.0.0.1", prepares=LOADS)
    found = ran(phases, {**API, "serve.py": serve})
    assert f"web: {UVICORN}" in found.out
    phases.env["BP_START_CHECK"] = "warn"
    built = phases.build(Start())
    assert "serve.py:13 calls load_models and then runs app of src/serving/api.py; it" in built.err
    assert "call it in src/serving/api.py, or listen on 0.0.0.0" in built.err


@pytest.mark.parametrize(
    "serve",
    [
        SERVE.format(host="0.0.0.0", prepares="print(args)"),
        SERVE.format(host="0.0.0.0", prepares=LOADS).replace(
            "run(app,", "run('src.serving.api:app',"
        ),
        SERVE.format(host="0.0.0.0", prepares=LOADS).replace("src.serving.api", "fastapi_shop"),
    ],
    ids=["it prepares nothing", "the server imports the app", "the app is a package's"],
)
def test_a_script_that_does_no_more_than_a_server_is_not_started(
    phases: Phases, serve: str
) -> None:
    assert UVICORN in line(ran(phases, {**API, "serve.py": serve}))


def test_a_flask_app_whose_script_prepares_it_likewise(phases: Phases) -> None:
    files = {
        "requirements.txt": "flask\ngunicorn\n",
        "app.py": "from flask import Flask\napp = Flask(__name__)\n",
        "model.py": "def load(): ...\n",
        "run.py": "from app import app\nfrom model import load\n"
        "if __name__ == '__main__':\n    load()\n    app.run(host='0.0.0.0')\n",
    }
    assert "web: python3 run.py" in line(ran(phases, files))


INGRESS = """\
from fastapi import FastAPI
from ray import serve

app = FastAPI()


@serve.deployment
class Adder: ...


@serve.deployment
@serve.ingress(app)
class Shop:
    @app.get("/")
    def home(self): ...


{end}
"""


@pytest.mark.parametrize(
    ("place", "end", "target"),
    [
        ("main.py", "adder = Adder.bind()\nshop = Shop.bind(adder)", "main:shop"),
        (
            "src/models/chain.py",
            "def build(args):\n    return Shop.bind()\n\nshop = build({})",
            "models.chain:shop",
        ),
    ],
    ids=["bound where apps begin", "made by a builder, in a folder"],
)
def test_an_app_whose_routes_are_methods_is_started_by_ray(
    phases: Phases, place: str, end: str, target: str
) -> None:
    files = {"requirements.txt": "fastapi\nuvicorn\nray[serve]\n", place: INGRESS.format(end=end)}
    assert f"web: Ray Serve with {target}" in line(ran(phases, files))


PYCHARM = (
    "# A sample.\ndef print_hi(name):\n    print(f'Hi, {name}')\n\n"
    "if __name__ == '__main__':\n    print_hi('PyCharm')\n"
)
UV = "def main():\n    print('Hello from shop!')\n\n\nif __name__ == '__main__':\n    main()\n"
STREAMLIT = "import streamlit as st\nst.title('x')\n"


@pytest.mark.parametrize("text", [PYCHARM, UV, "print('hello')\n"])
@pytest.mark.parametrize("name", ["main.py", "src/main.py"])
def test_what_an_editor_writes_to_greet_comes_after_an_app(
    phases: Phases, name: str, text: str
) -> None:
    files = {"requirements.txt": "streamlit\n", name: text}
    assert f"web: python3 {name}" in line(ran(phases, files))
    assert "dashboards/sales.py" in line(ran(phases, {"dashboards/sales.py": STREAMLIT}))


def test_of_several_apps_beside_a_greeting_one_has_to_be_said(phases: Phases) -> None:
    apps = {f"dashboards/{name}.py": STREAMLIT for name in ("sales", "stock")}
    fault = ran(phases, {"requirements.txt": "streamlit\n", "main.py": PYCHARM, **apps}).fault
    assert fault is not None
    assert "2 files hold an app, and nothing says which one to start" in fault.what


def test_a_dashboard_whose_framework_a_lock_lacks_is_an_aside(phases: Phases) -> None:
    head = "# This file is autogenerated by pip-compile with Python 3.13\n#\n"
    files = {
        "requirements.txt": f"{head}starlette==0.52.1\nuvicorn==0.40.0\nhttpx==0.28.1\n",
        "bot/__main__.py": "import httpx\nhttpx.get('http://localhost')\n",
        "panel/app.py": FASTAPI,
    }
    assert "web: python3 -m bot" in line(ran(phases, files))


AIOHTTP = (
    "from aiohttp import web\n\nasync def init_app():\n    return web.Application()\n\n"
    "def main():\n    web.run_app(init_app())\n\nif __name__ == '__main__':\n    main()\n"
)


def test_the_module_of_a_package_that_runs_an_app_of_aiohttp_is_started(phases: Phases) -> None:
    files = {"requirements.txt": "aiohttp\n", "chat/__init__.py": "", "chat/main.py": AIOHTTP}
    assert "web: python3 -m chat.main, from chat/main.py" in line(ran(phases, files))
    fault = ran(phases, {"blog/__init__.py": "", "blog/main.py": AIOHTTP}).fault
    assert fault is not None, "of two nobody knows which"


def test_of_several_scripts_the_example_is_the_one_that_starts_a_server(phases: Phases) -> None:
    files = {
        "requirements.txt": "rich\n",
        "ask_client.py": "import sys\nsys.exit(1)\n",
        "start_server.py": "import sys\nsys.exit(1)\n",
    }
    fault = ran(phases, files).fault
    assert fault is not None
    assert "echo 'web: python3 start_server.py' >Procfile" in (fault.remedy or "")


TELEGRAM = (
    "from telegram.ext import Application\n\n"
    "if __name__ == '__main__':\n    Application.builder().build().run_polling()\n"
)


def test_a_bot_beside_an_app_is_a_worker(phases: Phases) -> None:
    files = {
        "requirements.txt": "fastapi\nuvicorn\npython-telegram-bot\n",
        "web/main.py": FASTAPI,
        "bot.py": TELEGRAM,
    }
    found = ran(phases, files)
    assert "web.main:app" in line(found)
    assert "worker: python3 bot.py, from bot.py" in found.out


@pytest.mark.parametrize(
    ("procfile", "more"),
    [
        ("web: python bot.py\n", False),
        ("web: python -m bot\n", False),
        ("web: python web.py\nbot: python ./bot.py\n", False),
        ("web: python web.py\nqueue: celery -A tasks worker -l info\n", False),
        ("web: python web.py\nbeat: celery -A tasks beat\n", True),
        ("web: python web.py\n", True),
    ],
)
def test_what_a_procfile_starts_by_another_name_is_no_worker_besides(
    phases: Phases, procfile: str, more: bool
) -> None:
    queue = "celery" in procfile
    files = {
        "requirements.txt": f"python-telegram-bot\n{'celery' if queue else ''}\n",
        "bot.py": TELEGRAM,
        "web.py": "print()\n",
        "tasks.py": "from celery import Celery\napp = Celery()\n",
        "Procfile": procfile,
    }
    found = ran(phases, files)
    assert ("  worker: " in found.out) == more


@pytest.mark.parametrize(
    "files",
    [
        {"bot.py": TELEGRAM},
        {"bot.py": "def reply(): ...\n", "web/main.py": FASTAPI},
        {"bot.py": "import httpx\nhttpx.get('x')\n", "web/main.py": FASTAPI},
    ],
    ids=["it is what starts", "a module of the app", "no bot"],
)
def test_another_bot_is_none(phases: Phases, files: dict[str, str]) -> None:
    packages = {"requirements.txt": "fastapi\nuvicorn\npython-telegram-bot\nhttpx\n"}
    found = ran(phases, {**packages, **files})
    assert "web: " in found.out
    assert "worker: " not in found.out


STORED = """import bentoml
model = bentoml.sklearn.load_model("iris_clf:latest")
@bentoml.service
class Iris: ...
"""


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    ("service", "more", "told"),
    [
        (STORED, {}, True),
        (STORED.replace("sklearn.load_model", "models.get"), {}, True),
        (STORED.replace("bentoml.sklearn.load_model", "bentoml.models.BentoModel"), {}, True),
        (STORED.replace('"iris_clf:latest"', "NAME"), {}, False),
        (f"import os\nos.environ['BENTOML_HOME'] = 'models'\n{STORED}", {}, False),
        (STORED, {".cnbkit/post-build": "#!/bin/sh\npython train.py\n"}, False),
    ],
)
def test_a_model_of_bentomls_store_is_told_to_be_missing(
    phases: Phases, service: str, more: dict[str, str], told: bool, named: bool
) -> None:
    files = {"requirements.txt": "bentoml\n", "service.py": service, **more}
    if named:
        files["bentofile.yaml"] = "service: service:Iris\n"
    ran(phases, files)
    built = phases.build(Start())
    assert "bentoml serve" in line(built)
    assert ("takes the model iris_clf:latest from BentoML's store" in built.err) == told

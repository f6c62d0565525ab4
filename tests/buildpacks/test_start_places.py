"""Apps that are made elsewhere, lie elsewhere, or are functions; and what is said where none is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit_misspelt import MISSPELT
from cnbkit_start import Start

if TYPE_CHECKING:
    from tests.buildpacks.conftest import Phases, Ran

PORT = "${PORT:-8080}"
FLASK = "from flask import Flask\napp = Flask(__name__)\n"
FASTAPI = "from fastapi import FastAPI\napp = FastAPI()\n"
STREAMLIT = "import streamlit as st\nst.title('x')\n"
WSGI = "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"
MANAGE = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
CHOSEN = """\
import os
name = 'shop.production' if 'CLOUD' in os.environ else 'shop.settings'
os.environ.setdefault('DJANGO_SETTINGS_MODULE', name)
print("Couldn't import Django")
"""
HTTP = (
    "import functions_framework\n\n@functions_framework.http\ndef {}(request):\n    return 'ok'\n"
)
WSGI_FUNCTION = "def app(environ, start_response):\n    return []\n"
WITH_SCRIPT = """\
[project]
name = "hello"
version = "1"
dependencies = ["fastapi[standard]"]
[project.scripts]
hello = "hello:main"
[build-system]
requires = ["uv_build"]
"""
UVICORN = f"uvicorn --host 0.0.0.0 --port {PORT}"
GUNICORN = f"gunicorn --bind 0.0.0.0:{PORT}"
FOUND: dict[str, tuple[str, dict[str, str], str]] = {
    "made by a function of any name": (
        "fastapi\nuvicorn\n",
        {
            "main.py": "from fastapi import FastAPI\n\ndef get_app() -> FastAPI:\n"
            "    one = FastAPI()\n    return one\n\napp = get_app()\n"
        },
        f"{UVICORN} main:app",
    ),
    "made by a function of another file": (
        "flask\ngunicorn\n",
        {
            "run.py": "from shop.factory import build\nserver = build('x')\n",
            "shop/__init__.py": "",
            "shop/factory.py": "from flask import Flask\ndef build(name):\n  return Flask(name)\n",
        },
        f"{GUNICORN} run:server",
    ),
    "made by a function of the file beside it": (
        "fastapi\nuvicorn\n",
        {
            "shop/__init__.py": "",
            "shop/main.py": "from .factory import build\napp = build()\n",
            "shop/factory.py": "import fastapi\ndef build():\n    return fastapi.FastAPI()\n",
        },
        f"{UVICORN} shop.main:app",
    ),
    "in a package of any name, behind a function": (
        "fastapi\nuvicorn\n",
        {
            "skeleton/__init__.py": "",
            "skeleton/main.py": "from fastapi import FastAPI\n\ndef get_app():\n"
            "    return FastAPI()\n\napp = get_app()\n",
        },
        f"{UVICORN} skeleton.main:app",
    ),
    "in a file of any name in a folder": (
        "flask\ngunicorn\n",
        {"api/index.py": FLASK, "tests/app.py": FLASK, "examples/app.py": FLASK},
        f"{GUNICORN} api.index:app",
    ),
    "made by a file of any name, and completed where apps begin": (
        "fastapi\nuvicorn\n",
        {
            "api/config.py": FASTAPI,
            "api/__init__.py": "",
            "api/app.py": "from api.config import app\nfrom . import pages\n"
            "app.include_router(pages.router)\n",
            "api/pages.py": "from fastapi import APIRouter\nrouter = APIRouter()\n",
        },
        f"{UVICORN} api.app:app",
    ),
    "completed by a file that comes after its maker": (
        "flask\ngunicorn\n",
        {"app.py": FLASK, "main.py": "from app import app\n@app.route('/')\ndef home(): ...\n"},
        f"{GUNICORN} main:app",
    ),
    "completed by files that the maker imports": (
        "flask\ngunicorn\n",
        {
            "shop/__init__.py": f"{FLASK}from shop import api\n",
            "run.py": "from shop import app\n",
            "shop/api.py": "from shop import app\n@app.route('/')\ndef home(): ...\n",
        },
        f"{GUNICORN} shop:app",
    ),
    "completed by two files, of which nobody knows the one that counts": (
        "flask\ngunicorn\n",
        {
            "app.py": FLASK,
            "main.py": "from app import app\n@app.route('/a')\ndef a(): ...\n",
            "server.py": "from app import app\n@app.route('/b')\ndef b(): ...\n",
        },
        f"{GUNICORN} app:app",
    ),
    "two folders below": (
        "fastapi\nuvicorn\n",
        {"services/predict/endpoint.py": FASTAPI},
        f"{UVICORN} services.predict.endpoint:app",
    ),
    "a script of streamlit with pages": (
        "streamlit\n",
        {"dashboard/start_here.py": STREAMLIT, "dashboard/pages/more.py": STREAMLIT},
        (
            f"streamlit run --server.port={PORT} --server.address=0.0.0.0 --server.headless=true "
            "--browser.gatherUsageStats=false dashboard/start_here.py"
        ),
    ),
    "django whose settings are chosen when it starts": (
        "django\ngunicorn\n",
        {"manage.py": CHOSEN, "shop/wsgi.py": WSGI, "reviews/wsgi.py": "x = 1\n"},
        f"{GUNICORN} shop.wsgi:application",
    ),
    "agents": (
        "google-adk\n",
        {"weather/__init__.py": "", "weather/agent.py": "root_agent = 1\n"},
        f"adk api_server --host 0.0.0.0 --port {PORT} .",
    ),
    "a function": (
        "functions-framework==3.*\n",
        {"main.py": HTTP.format("greet") + "client = open('/dev/null')\n"},
        f"functions-framework --target=greet --port={PORT}",
    ),
    "a function of an event, without decorator": (
        "functions-framework\n",
        {"main.py": "def take(event, context):\n    print(event)\n"},
        f"functions-framework --target=take --signature-type=event --port={PORT}",
    ),
    "a function that WSGI calls": (
        "waitress\n",
        {"main.py": WSGI_FUNCTION},
        f"waitress-serve --listen=0.0.0.0:{PORT} main:app",
    ),
    "the service of a bentofile, which holds an app of FastAPI": (
        "bentoml\nfastapi\nuvicorn\n",
        {"bentofile.yaml": "service: service:svc\n", "service.py": FASTAPI},
        f"bentoml serve --host 0.0.0.0 --port {PORT} service:svc",
    ),
}


def write(phases: Phases, files: dict[str, str]) -> None:
    for name, text in files.items():
        (phases.app / name).parent.mkdir(parents=True, exist_ok=True)
        phases.write(name, text)


def started(ran: Ran) -> list[str]:
    assert ran.fault is None, ran.fault
    [process] = ran.launch["processes"]
    command: list[str] = process["command"]
    return command


@pytest.mark.parametrize(("packages", "files", "command"), FOUND.values(), ids=FOUND)
def test_an_app_is_found_where_it_is(
    phases: Phases, packages: str, files: dict[str, str], command: str
) -> None:
    phases.env["BP_START_CHECK"] = "off"
    write(phases, {"requirements.txt": packages, **files})
    assert started(phases.build(Start())) == ["bash", "-c", f"exec {command}"]


@pytest.mark.parametrize(
    ("code", "command"),
    [
        (f"{FASTAPI}def main():\n    'Say it.'\n    print('x')\n", f"{UVICORN} hello:app"),
        ("def main():\n    print('x')\n", "hello"),
        (f"{FASTAPI}def main():\n    print('x')\n    serve(app)\n", "hello"),
    ],
)
def test_a_script_that_only_prints_as_uv_init_writes_it_comes_after_an_app(
    phases: Phases, code: str, command: str
) -> None:
    write(phases, {"pyproject.toml": WITH_SCRIPT, "src/hello/__init__.py": code})
    words = started(phases.build(Start()))
    assert words[-1].replace(" --app-dir src", "").removeprefix("exec ") == command


def test_where_gradio_is_in_modules_of_a_script_it_listens_on_the_port_as_well(
    phases: Phases,
) -> None:
    files = {"app.py": "from ui import demo\ndemo.launch()\n", "ui.py": "demo = 1\n"}
    write(phases, {"requirements.txt": "gradio\n", **files})
    [*_, line] = started(phases.build(Start()))
    assert 'GRADIO_SERVER_NAME="${GRADIO_SERVER_NAME:-0.0.0.0}"' in line
    assert line.endswith("exec python3 app.py")


@pytest.mark.parametrize(
    "readme",
    [
        "---\nsdk: gradio\n---\n",
        "---\nsdk: docker\n---\n",
        "# sdk\n\nsdk: streamlit\n",
        "---\nsdk:\n",
    ],
)
def test_a_readme_says_nothing_of_an_app_whose_packages_are_there(
    phases: Phases, readme: str
) -> None:
    phases.write("README.md", readme)
    phases.write("requirements.txt", "gradio\n")
    phases.write("app.py", "import gradio\ngradio.Blocks().launch()\n")
    assert phases.detect(Start()).fault is None


def test_a_django_project_in_a_folder_is_started_there(phases: Phases) -> None:
    """Its paths are relative to where its authors call manage.py."""
    phases.env["BP_START_CHECK"] = "off"
    write(phases, {"requirements.txt": "django\ngunicorn\n", "site/manage.py": MANAGE})
    write(phases, {"site/shop/wsgi.py": WSGI})
    ran = phases.build(Start())
    assert started(ran) == ["bash", "-c", f"exec {GUNICORN} shop.wsgi:application"]
    assert ran.launch["processes"][0]["working-dir"].rstrip("/").endswith("site")


def test_the_function_that_is_asked_for_is_served(phases: Phases) -> None:
    phases.env["BP_START_CHECK"] = "off"
    two = HTTP.format("first") + HTTP.format("second")
    write(phases, {"requirements.txt": "functions-framework\n", "main.py": two})
    phases.env["GOOGLE_FUNCTION_TARGET"] = "second"
    line = f"exec functions-framework --target=second --port={PORT}"
    assert started(phases.build(Start())) == ["bash", "-c", line]


FAULTS: dict[str, tuple[dict[str, str], dict[str, str], str, str, str]] = {
    "two functions": (
        {
            "requirements.txt": "functions-framework\n",
            "main.py": HTTP.format("first") + HTTP.format("second"),
        },
        {},
        "main.py has 2 functions, and nothing says which one to serve: first, second",
        "main.py",
        "--env GOOGLE_FUNCTION_TARGET=first",
    ),
    "a function that is not there": (
        {"requirements.txt": "functions-framework\n", "main.py": HTTP.format("first")},
        {"GOOGLE_FUNCTION_TARGET": "frist"},
        "main.py has no function frist",
        "GOOGLE_FUNCTION_TARGET",
        "set it to one of: first",
    ),
    "a function that nothing serves": (
        {"main.py": "def greet(request):\n    return 'hello'\n"},
        {"GOOGLE_FUNCTION_TARGET": "greet"},
        "GOOGLE_FUNCTION_TARGET names a function, but functions-framework, which serves it, is not",
        "GOOGLE_FUNCTION_TARGET",
        "add the line `functions-framework` to requirements.txt",
    ),
    "a framework that is imported and not installed": (
        {"main.py": "import functions_framework\n\ndef greet(request):\n    return 'hello'\n"},
        {},
        "no process to start: main.py imports functions_framework, and functions-framework is not",
        "main.py:1",
        "add the line `functions-framework` to requirements.txt",
    ),
    "a function that WSGI calls, and no server": (
        {"requirements.txt": "requests\n", "main.py": WSGI_FUNCTION},
        {},
        "an app (WSGI) is found in main.py:1, but no server that runs it",
        "main.py:1",
        "add the line `gunicorn` to the dependencies in requirements.txt",
    ),
    "an app without a server, locked by uv": (
        {
            "pyproject.toml": '[project]\nname = "x"\ndependencies = ["fastapi"]\n',
            "uv.lock": 'version = 1\n\n[[package]]\nname = "fastapi"\n',
            "main.py": FASTAPI,
        },
        {},
        "uvicorn is not among the packages of uv.lock",
        "main.py:2",
        "run `uv add uvicorn` and commit uv.lock",
    ),
    "a project with a script that its requirements do not install": (
        {"requirements.txt": "requests\n", "pyproject.toml": WITH_SCRIPT},
        {},
        "pyproject.toml has scripts, but requirements.txt, which is installed, lacks the project",
        "requirements.txt",
        "add the line `-e .` to requirements.txt",
    ),
    "a component of streamlit, which is not a script": (
        {"requirements.txt": "streamlit\n", "component/__init__.py": STREAMLIT},
        {},
        "no process to start: there is no Procfile, app.py or main.py",
        "the app's root",
        "add a Procfile with `web: <command>`",
    ),
    "two apps": (
        {"requirements.txt": "streamlit\n", "demos/a.py": STREAMLIT, "demos/b.py": STREAMLIT},
        {},
        "2 files hold an app, and nothing says which one to start: demos/a.py, demos/b.py",
        "demos/a.py",
        "say which in a Procfile, for example: web: streamlit run",
    ),
    "django without a server": (
        {"requirements.txt": "django\n", "manage.py": CHOSEN, "shop/wsgi.py": WSGI},
        {},
        "Django is found in shop/wsgi.py, but no server that runs it",
        "shop/wsgi.py",
        "add the line `gunicorn` to the dependencies in requirements.txt",
    ),
    "an app without a server": (
        {"requirements.txt": "fastapi\n", "api/index.py": FASTAPI},
        {},
        "FastAPI is found in api/index.py:2, but no server that runs it",
        "api/index.py:2",
        "add the line `uvicorn` to the dependencies in requirements.txt",
    ),
    "notebooks": (
        {"requirements.txt": "pandas\n", "index.ipynb": "{}"},
        {},
        "no process to start: there are notebooks, but no Jupyter among the packages",
        "index.ipynb",
        "add the line `jupyterlab` to the dependencies in requirements.txt",
    ),
    "a framework that is not installed, beside notebooks": (
        {"requirements.txt": "pandas\n", "eda.ipynb": "{}", "dashboard.py": STREAMLIT},
        {},
        "no process to start: dashboard.py imports streamlit, and streamlit is not among",
        "dashboard.py:1",
        "add the line `streamlit` to the dependencies in requirements.txt",
    ),
    "a Space of Hugging Face, which installs its framework itself": (
        {
            "README.md": "---\ntitle: Hello\nsdk: gradio\nsdk_version: '5.1.0' # the newest\n---\n",
            "requirements.txt": "torch\n",
            "app.py": "import gradio\n",
        },
        {},
        "README.md says `sdk: gradio`, and gradio is not among the packages of requirements.txt",
        "README.md:3",
        "add the line `gradio==5.1.0` to the dependencies in requirements.txt",
    ),
    "a Space without requirements": (
        {"README.md": "---\nsdk: streamlit\n---\n", "app.py": STREAMLIT},
        {},
        "README.md says `sdk: streamlit`, and streamlit is not among the app's packages",
        "README.md:2",
        "add the line `streamlit` to requirements.txt",
    ),
    "a framework that tests alone import": (
        {"requirements.txt": "pandas\n", "test_api.py": FASTAPI, "conftest.py": FASTAPI},
        {},
        "no process to start: there is no Procfile, app.py or main.py",
        "the app's root",
        "add a Procfile with `web: <command>`",
    ),
    "a framework that is not installed, in a package": (
        {"requirements.txt": "uvicorn\n", "app/__init__.py": "", "app/main.py": FASTAPI},
        {},
        "no process to start: app/main.py imports fastapi, and fastapi is not among",
        "app/main.py:1",
        "add the line `fastapi` to the dependencies in requirements.txt",
    ),
    "projects in folders": (
        {
            "requirements.txt": "pytest\n",
            "editor/requirements.txt": "flask\n",
            "renderer/requirements.txt": "flask\n",
        },
        {},
        "editor/ is a project of its own (renderer likewise)",
        "the app's root",
        "cnbkit build ./editor",
    ),
    "an app that another package makes": (
        {
            "requirements.txt": "litellm[proxy]\nuvicorn\n",
            "app.py": "from litellm.proxy import proxy_server\n\napp = proxy_server.app\n",
        },
        {},
        "app.py only defines functions",
        "app.py",
        "echo 'web: uvicorn --host 0.0.0.0 --port $PORT app:app' >Procfile",
    ),
}


@pytest.mark.parametrize(("files", "env", "what", "where", "remedy"), FAULTS.values(), ids=FAULTS)
def test_where_nothing_can_start_the_error_names_the_one_thing_to_change(
    phases: Phases, files: dict[str, str], env: dict[str, str], what: str, where: str, remedy: str
) -> None:
    write(phases, files)
    phases.env.update(env)
    ran = phases.build(Start())
    assert ran.fault is not None
    assert what in ran.fault.what
    assert ran.fault.where == where
    assert remedy in (ran.fault.remedy or "")


@pytest.mark.parametrize("name", MISSPELT)
def test_misspelt_requirements_are_left_to_who_explains_them(phases: Phases, name: str) -> None:
    write(phases, {name: "streamlit\n", "eda.ipynb": "{}", "dashboard.py": STREAMLIT})
    ran = phases.detect(Start())
    assert (ran.fault, ran.code) == (None, 0)

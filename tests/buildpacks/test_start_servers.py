"""Web frameworks with a server of their own, workers, factories, and where a program listens."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cnbkit_start import Start

if TYPE_CHECKING:
    from tests.buildpacks.conftest import Phases, Ran

PORT = "${PORT:-8080}"
UVICORN = f"uvicorn --host 0.0.0.0 --port {PORT}"
FACTORY = f"uvicorn --factory --host 0.0.0.0 --port {PORT}"
STREAMLIT = (
    f"streamlit run --server.port={PORT} --server.address=0.0.0.0 --server.headless=true "
    "--browser.gatherUsageStats=false"
)
GUNICORN = f"gunicorn --bind 0.0.0.0:{PORT}"
MAIN = 'if __name__ == "__main__":\n    app.run(host="localhost")\n'
BOTTLE = "import bottle\napp = bottle.Bottle()\n"
SANIC = "from sanic import Sanic\napp = Sanic('shop')\n@app.get('/')\ndef x(request): ...\n"
FALCON = "import falcon\nclass Thing: ...\napp = falcon.App()\napp.add_route('/', Thing())\n"
SHOWN = "import solara\n@solara.component\ndef Page(): ...\n"
CELL = "import marimo\napp = marimo.App()\n@app.cell\ndef _(): ...\n"

FOUND: dict[str, tuple[str, dict[str, str], str]] = {
    "bottle by gunicorn": ("bottle\ngunicorn\n", {"x.py": BOTTLE + MAIN}, f"{GUNICORN} x:app"),
    "bottle by itself": (
        "bottle\n",
        {"app.py": BOTTLE + MAIN},
        f"python3 -m bottle --bind 0.0.0.0:{PORT} app:app",
    ),
    "bottle's default app": (
        "bottle\n",
        {"app.py": "from bottle import route, run\n@route('/')\ndef x(): ...\nrun(port=80)\n"},
        f"python3 -m bottle --bind 0.0.0.0:{PORT} app",
    ),
    "bottle that runs whenever it is imported": (
        "bottle\ngunicorn\n",
        {"src/app.py": f"{BOTTLE}bottle.run(app)\n"},
        f"env PYTHONPATH=src python3 -m bottle --server gunicorn --bind 0.0.0.0:{PORT} app:app",
    ),
    "sanic": ("sanic\n", {"server.py": SANIC}, f"sanic --host 0.0.0.0 --port {PORT} server:app"),
    "sanic, made by a function": (
        "sanic\n",
        {"shop/app.py": "from sanic import Sanic\ndef make_it_app():\n    return Sanic('x')\n"},
        f"sanic --factory --host 0.0.0.0 --port {PORT} shop.app:make_it_app",
    ),
    "robyn": (
        "robyn\n",
        {"app.py": "from robyn import Robyn\napp = Robyn(__file__)\napp.start(port=1)\n"},
        f"env ROBYN_HOST=0.0.0.0 ROBYN_PORT={PORT} python3 app.py",
    ),
    "falcon": ("falcon\ngunicorn\n", {"things.py": FALCON}, f"{GUNICORN} things:app"),
    "falcon by asgi": (
        "falcon\nuvicorn\n",
        {"look/app.py": "import falcon.asgi\ndef create_app(config=None): ...\n"},
        f"{FACTORY} look.app:create_app",
    ),
    "litestar, made by a function": (
        "litestar[standard]\n",
        {"app.py": "from litestar import Litestar\ndef create_app():\n    return Litestar([])\n"},
        f"{FACTORY} app:create_app",
    ),
    "quart, made by a function": (
        "quart\n",
        {"app.py": "from quart import Quart\ndef get_app():\n    return Quart('x')\n"},
        f"hypercorn --bind 0.0.0.0:{PORT} 'app:get_app()'",
    ),
    "fastapi, made by a function of another name": (
        "fastapi\nuvicorn\n",
        {"main.py": "import fastapi\ndef build_application():\n    return fastapi.FastAPI()\n"},
        f"{FACTORY} main:build_application",
    ),
    "connexion": (
        "connexion[flask,uvicorn]\n",
        {"app.py": f"import connexion\napp = connexion.FlaskApp('x')\n{MAIN}"},
        f"{UVICORN} app:app",
    ),
    "solara": (
        "solara\n",
        {"app.py": SHOWN},
        f"solara run --host 0.0.0.0 --port {PORT} --production app.py",
    ),
    "marimo": (
        "marimo\n",
        {"notebook.py": CELL},
        f"marimo run --headless --host 0.0.0.0 --port {PORT} notebook.py",
    ),
    "in a folder two below the root, which its modules are imported from": (
        "fastapi\nuvicorn\n",
        {
            "backend/app/main.py": "import fastapi\nimport app.core\napp = fastapi.FastAPI()\n",
            "backend/app/core.py": "",
            "backend/app/__init__.py": "",
        },
        f"uvicorn --app-dir backend --host 0.0.0.0 --port {PORT} app.main:app",
    ),
    "streamlit in a package below src": (
        "streamlit\n",
        {
            "src/board/app.py": "import streamlit\nfrom board.text import x\n",
            "src/board/text.py": "",
            "src/board/__init__.py": "",
        },
        f"env PYTHONPATH=src {STREAMLIT} src/board/app.py",
    ),
    "streamlit in a package of the root": (
        "streamlit\n",
        {"src/app.py": "import streamlit\nfrom src.text import x\n", "src/text.py": ""},
        f"env PYTHONPATH=. {STREAMLIT} src/app.py",
    ),
}


def decided(phases: Phases, packages: str, files: dict[str, str]) -> Ran:
    """What `start` makes of an app, its packages not looked at."""
    phases.env["BP_START_CHECK"] = "off"
    for name, text in {"requirements.txt": packages, **files}.items():
        (phases.app / name).parent.mkdir(parents=True, exist_ok=True)
        phases.write(name, text)
    return phases.build(Start())


def command(ran: Ran, type: str = "web") -> list[str]:
    """A process's program and arguments."""
    assert ran.fault is None
    [found] = [each for each in ran.launch["processes"] if each["type"] == type]
    return [*found["command"], *found.get("args", [])]


@pytest.mark.parametrize(("packages", "files", "line"), FOUND.values(), ids=FOUND)
def test_each_framework_listens_on_the_port(
    phases: Phases, packages: str, files: dict[str, str], line: str
) -> None:
    assert command(decided(phases, packages, files)) == ["bash", "-c", f"exec {line}"]


def output(phases: Phases, words: list[str], modules: dict[str, str]) -> str:
    """What a process prints where these modules stand for the packages."""
    for name, text in modules.items():
        phases.write(name, text)
    env = {"PORT": "9000", "PYTHONPATH": str(phases.app)}
    program = [sys.executable if words[0] == "python3" else words[0], *words[1:]]
    done = subprocess.run(
        program, env=env, cwd=phases.app, check=True, capture_output=True, text=True
    )
    return done.stdout


def test_cherrypy_is_told_where_to_listen_before_the_script_begins(phases: Phases) -> None:
    script = "import cherrypy\nif __name__ == '__main__':\n    cherrypy.quickstart(object())\n"
    words = command(decided(phases, "cherrypy\n", {"app.py": script}))
    fake = "config = {}\ndef quickstart(root):\n    print(*config.values(), __name__)\n"
    assert output(phases, words, {"cherrypy.py": fake}) == "0.0.0.0 9000 cherrypy\n"


def test_dash_runs_without_its_debugger(phases: Phases) -> None:
    script = (
        "import dash\nboard = dash.Dash()\nif __name__ == '__main__':\n    board.run(debug=True)\n"
    )
    words = command(decided(phases, "dash\n", {"app.py": script}))
    fake = (
        "class Dash:\n    @property\n    def server(self):\n        return self\n"
        "    def run(self, **given):\n        print(given)\n"
    )
    assert output(phases, words, {"dash.py": fake}) == "{'host': '0.0.0.0', 'port': 9000}\n"


@pytest.mark.parametrize(
    ("files", "target"),
    [
        ({"tasks.py": "from celery import Celery\nqueue = Celery('x')\n"}, "tasks:queue"),
        # Its own name is the package's.
        (
            {
                "shop/__init__.py": "",
                "shop/celery.py": "from celery import Celery\napp = Celery()\n",
            },
            "shop.celery:app",
        ),
    ],
)
def test_an_app_of_celery_has_a_worker_that_starts_if_nothing_else_does(
    phases: Phases, files: dict[str, str], target: str
) -> None:
    ran = decided(phases, "celery[redis]\nflask\n", files)
    worker = f"celery --app {target} worker --loglevel INFO".split()
    assert command(ran, "worker") == command(ran) == worker
    app = "from flask import Flask\napp = Flask('x')\n"
    ran = decided(phases, "celery[redis]\nflask\n", {"app.py": app})
    assert command(ran, "worker") == worker
    assert "flask run" in command(ran)[-1]


@pytest.mark.parametrize(
    "code",
    [
        "from shop import Thing\napp = Thing('x')\n",
        "import logging\nlog = logging.getLogger(__name__)\ndef main(): ...\n",
        "import os\nimport openai\nclient = openai.OpenAI(key=os.environ.get('K'))\ndef x(): ...\n",
    ],
)
def test_a_file_that_makes_things_and_ends_is_not_web(phases: Phases, code: str) -> None:
    ran = decided(phases, "six\n", {"main.py": code})
    assert ran.fault is None
    assert ran.launch.get("processes", []) == []
    assert "main.py only defines functions" in ran.out


@pytest.mark.parametrize(
    "code",
    [
        # What an object of its own class does when it is made nobody can tell.
        "class Game:\n    def __init__(self): self.loop()\napp = Game()\n",
        "from shop import run\napp = run()\n",
        "import discord\nclient = discord.Client()\nclient.run('x')\n",
    ],
)
def test_a_file_that_does_something_is_web(phases: Phases, code: str) -> None:
    assert command(decided(phases, "six\n", {"main.py": code})) == ["python3", "main.py"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"src/bot.py": "print(1)\n"}, ["python3", "src/bot.py"]),
        (
            {
                "src/__init__.py": "",
                "src/text.py": "",
                "src/main.py": "import src.text\nprint(1)\n",
            },
            ["python3", "-m", "src.main"],
        ),
        ({"worker.py": "print(1)\n"}, ["python3", "worker.py"]),
    ],
)
def test_a_script_below_src_is_started_as_its_imports_want_it(
    phases: Phases, files: dict[str, str], words: list[str]
) -> None:
    assert command(decided(phases, "six\n", files)) == words


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("make_server('localhost', 8000, None)", "app.py:2 listens on localhost"),
        ("HTTPServer(('127.0.0.1', 80), None)", "app.py:2 listens on 127.0.0.1"),
        ("web.run_app(None, host='127.0.0.1')", "app.py:2 listens on 127.0.0.1"),
        ("uvicorn.run(None, port=8000)", "app.py:2 listens on 127.0.0.1"),
        ("uvicorn.run(None, **options)", ""),
        ("web.run_app(None, host='0.0.0.0')", ""),
        ("redis.Redis(host='localhost')", ""),
        ("psycopg.connect(host='localhost')", ""),
    ],
)
def test_a_script_that_only_its_own_machine_reaches_is_told_with_its_line(
    phases: Phases, call: str, told: str
) -> None:
    ran = decided(phases, "six\n", {"app.py": f"import x\n{call}\n"})
    assert command(ran) == ["python3", "app.py"]
    assert told in ran.err
    assert bool(ran.err) == bool(told)


@pytest.mark.parametrize(
    ("more", "told"), [("", True), ("ipykernel\n", False), ("jupyter\n", False)]
)
def test_notebooks_without_a_kernel_are_told(phases: Phases, more: str, told: bool) -> None:
    ran = decided(phases, f"voila\nipywidgets\n{more}", {"a.ipynb": "{}"})
    assert "voila" in " ".join(command(ran))
    assert ("add the line `ipykernel`" in ran.err) == told

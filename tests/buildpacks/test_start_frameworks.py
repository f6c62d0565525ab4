"""Servers and dashboards that are found, and the folder that an app is imported from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit_start import Start

if TYPE_CHECKING:
    from tests.buildpacks.conftest import Phases

PORT = "${PORT:-8080}"
FLASK = "from flask import Flask\napp = Flask(__name__)\n"
FASTAPI = "from fastapi import FastAPI\napp = FastAPI()\n"
MAIN = 'if __name__=="__main__":\n    app.run(debug=True)\n'
STREAMLIT = (
    f"streamlit run --server.port={PORT} --server.address=0.0.0.0 --server.headless=true "
    "--browser.gatherUsageStats=false"
)
UWSGI = 'uwsgi ${VIRTUAL_ENV:+--virtualenv "$VIRTUAL_ENV"} --master --die-on-term --need-app'
FOUND: dict[str, tuple[str, dict[str, str], str]] = {
    "waitress": (
        "flask\nwaitress\n",
        {"app.py": FLASK},
        f"waitress-serve --listen=0.0.0.0:{PORT} app:app",
    ),
    "waitress, made by a function": (
        "flask\nwaitress\n",
        {"app.py": "import flask\ndef create_app(): ...\n"},
        f"waitress-serve --listen=0.0.0.0:{PORT} --call app:create_app",
    ),
    "waitress below src": (
        "flask\nwaitress\n",
        {"src/app.py": FLASK},
        f"env PYTHONPATH=src waitress-serve --listen=0.0.0.0:{PORT} app:app",
    ),
    "another file below src": (
        "flask\ngunicorn\n",
        {
            "src/__init__.py": "",
            "src/web.py": f"from src.text import x\n{FLASK}if __name__=='__main__': app.run()\n",
            "src/text.py": "",
        },
        f"gunicorn --bind 0.0.0.0:{PORT} src.web:app",
    ),
    "uwsgi": (
        "flask\nuwsgi\n",
        {"app.py": FLASK},
        f"{UWSGI} --http-socket 0.0.0.0:{PORT} --module app:app",
    ),
    "hypercorn for wsgi": (
        "flask\nhypercorn\n",
        {"app.py": FLASK},
        f"hypercorn --bind 0.0.0.0:{PORT} wsgi:app:app",
    ),
    "hypercorn": (
        "fastapi\nhypercorn\n",
        {"app.py": FASTAPI},
        f"hypercorn --bind 0.0.0.0:{PORT} app:app",
    ),
    "daphne": ("fastapi\ndaphne\n", {"app.py": FASTAPI}, f"daphne -b 0.0.0.0 -p {PORT} app:app"),
    "granian": (
        "fastapi\ngranian\n",
        {"app.py": FASTAPI},
        f"granian --interface asgi --host 0.0.0.0 --port {PORT} app:app",
    ),
    "quart": (
        "quart\n",
        {"app.py": "from quart import Quart\napp = Quart(__name__)\n"},
        f"hypercorn --bind 0.0.0.0:{PORT} app:app",
    ),
    "gunicorn, and a server that an import would start": (
        "flask\ngunicorn\n",
        {"app.py": f"{FLASK}app.run()\n"},
        f"env FLASK_RUN_FROM_CLI=true gunicorn --bind 0.0.0.0:{PORT} app:app",
    ),
    "flask's own": (
        "flask\n",
        {"app.py": FLASK + MAIN},
        f"env FLASK_APP=app:app flask run --host 0.0.0.0 --port {PORT}",
    ),
    "flask's own below src": (
        "flask\n",
        {"src/shop/__init__.py": FLASK},
        f"env PYTHONPATH=src FLASK_APP=shop:app flask run --host 0.0.0.0 --port {PORT}",
    ),
    "dash": (
        "dash\ngunicorn\n",
        {"app.py": "import dash\napp = dash.Dash()\nserver = app.server\n"},
        f"gunicorn --bind 0.0.0.0:{PORT} app:server",
    ),
    "dash's own": (
        "dash\n",
        {"main.py": "from dash import Dash\nd = Dash(__name__)\nd.run()\n"},
        f"env HOST=0.0.0.0 PORT={PORT} python3 main.py",
    ),
    "chainlit": (
        "chainlit\n",
        {"bot.py": "import chainlit as cl\n"},
        f"chainlit run --headless --host 0.0.0.0 --port {PORT} bot.py",
    ),
    "panel": (
        "panel\n",
        {"view.py": "import panel as pn\n"},
        f"panel serve --address 0.0.0.0 --port {PORT} --allow-websocket-origin='*' view.py",
    ),
    "shiny": (
        "shiny\n",
        {"app.py": "from shiny import App\n"},
        f"shiny run --host 0.0.0.0 --port {PORT} app.py",
    ),
    "voila": (
        "voila\n",
        {"a b.ipynb": "{}"},
        f"voila --no-browser --Voila.ip=0.0.0.0 --port={PORT} 'a b.ipynb'",
    ),
    "voila's list": (
        "voila\n",
        {"a.ipynb": "{}", "b.ipynb": "{}"},
        f"voila --no-browser --Voila.ip=0.0.0.0 --port={PORT}",
    ),
    "streamlit in any file": (
        "streamlit\n",
        {"dashboard.py": "import streamlit as st\n", "helpers.py": "x = 1\n"},
        f"{STREAMLIT} dashboard.py",
    ),
    "src as a package": (
        "fastapi\nuvicorn\n",
        {"src/__init__.py": "", "src/main.py": f"from src.db import x\n{FASTAPI}", "src/db.py": ""},
        f"uvicorn --host 0.0.0.0 --port {PORT} src.main:app",
    ),
    "src as a package, by its place": (
        "fastapi\nuvicorn\n",
        {"src/__init__.py": "", "src/main.py": f"from .db import x\n{FASTAPI}", "src/db.py": ""},
        f"uvicorn --host 0.0.0.0 --port {PORT} src.main:app",
    ),
    "src as a folder, though it has an __init__.py": (
        "fastapi\nuvicorn\n",
        {"src/__init__.py": "", "src/main.py": f"from db import x\n{FASTAPI}", "src/db.py": ""},
        f"uvicorn --app-dir src --host 0.0.0.0 --port {PORT} main:app",
    ),
    "a folder that the app is started in": (
        "fastapi\nuvicorn\n",
        {"backend/main.py": f"import models\n{FASTAPI}", "backend/models.py": ""},
        f"uvicorn --app-dir backend --host 0.0.0.0 --port {PORT} main:app",
    ),
    "a package that imports itself": (
        "fastapi\nuvicorn\n",
        {"app/main.py": f"from app.models import x\n{FASTAPI}", "app/models.py": ""},
        f"uvicorn --host 0.0.0.0 --port {PORT} app.main:app",
    ),
}


@pytest.mark.parametrize(("packages", "files", "line"), FOUND.values(), ids=FOUND)
def test_each_listens_on_the_port_without_a_debugger(
    phases: Phases, packages: str, files: dict[str, str], line: str
) -> None:
    phases.env["BP_START_CHECK"] = "off"
    phases.write("requirements.txt", packages)
    for name, text in files.items():
        (phases.app / name).parent.mkdir(parents=True, exist_ok=True)
        phases.write(name, text)
    ran = phases.build(Start())
    assert ran.fault is None
    [web] = [each for each in ran.launch["processes"] if each["type"] == "web"]
    assert web["command"] == ["bash", "-c", f"exec {line}"]


SCRIPT = '[project]\nname = "shop"\ndependencies = ["flask", "waitress"]\n{}'
SCRIPTS = '[project.scripts]\nshop = "shop:main"\n'
OF_POETRY = """[tool.poetry]
name = "shop"
[tool.poetry.dependencies]
flask = "*"
waitress = "*"
[tool.poetry.scripts]
shop = "shop:main"
"""


@pytest.mark.parametrize(
    ("files", "command"),
    [
        # It counts before the guess, where it is installed.
        ({"pyproject.toml": f"[build-system]\n{SCRIPT.format(SCRIPTS)}"}, "shop"),
        ({"pyproject.toml": SCRIPT.format(SCRIPTS)}, "waitress-serve"),
        # Poetry installs it without a build backend.
        ({"pyproject.toml": OF_POETRY, "poetry.lock": "package = []\n"}, "shop"),
        (
            {
                "pyproject.toml": f"[build-system]\n{SCRIPT.format(SCRIPTS)}",
                "requirements.txt": "flask\nwaitress\n",
            },
            "waitress-serve",
        ),
        (
            {
                "pyproject.toml": f"[build-system]\n{SCRIPT.format(SCRIPTS)}",
                "requirements.txt": "-e .\n",
            },
            "shop",
        ),
        (
            {
                "pyproject.toml": f"[build-system]\n{SCRIPT.format(SCRIPTS)}"
                "[tool.uv]\npackage = false\n"
            },
            "waitress-serve",
        ),
    ],
)
def test_a_script_of_the_project_counts_before_a_guess_if_it_is_installed(
    phases: Phases, files: dict[str, str], command: str
) -> None:
    phases.env["BP_START_CHECK"] = "off"
    for name, text in {"app.py": FLASK, **files}.items():
        phases.write(name, text)
    ran = phases.build(Start())
    assert ran.fault is None
    [web] = [each for each in ran.launch["processes"] if each["type"] == "web"]
    assert command in " ".join(web["command"])


def test_a_server_that_an_import_starts_is_started_as_a_script(phases: Phases) -> None:
    phases.env["BP_START_CHECK"] = "off"
    phases.write("requirements.txt", "fastapi\nuvicorn\n")
    phases.write("main.py", f"import uvicorn\n{FASTAPI}uvicorn.run(app)\n")
    ran = phases.build(Start())
    assert ran.launch["processes"][0]["command"] == ["python3", "main.py"]
    assert "let it listen on 0.0.0.0:$PORT" in ran.err
    phases.write("main.py", f'import uvicorn\n{FASTAPI}uvicorn.run(app, host="0.0.0.0")\n')
    assert phases.build(Start()).err == ""


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"main.py": "def main(): ...\n", "server.py": "print(1)\n"}, "python3 server.py"),
        ({"shop/__main__.py": "print(1)\n"}, "python3 -m shop"),
        ({"my-shop/__main__.py": "print(1)\n"}, "python3 -m my-shop"),
        ({"src/shop/__main__.py": "print(1)\n"}, "env PYTHONPATH=src python3 -m shop"),
    ],
)
def test_what_does_something_when_it_is_started_is_web(
    phases: Phases, files: dict[str, str], command: str
) -> None:
    phases.env["BP_START_CHECK"] = "off"
    for name, text in {"requirements.txt": "six\n", **files}.items():
        (phases.app / name).parent.mkdir(parents=True, exist_ok=True)
        phases.write(name, text)
    ran = phases.build(Start())
    assert ran.fault is None
    assert " ".join(ran.launch["processes"][0]["command"]) == command


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("requirements.txt", b"flask\n# caf\xe9\n"),
        ("requirements.txt", "flask\n".encode("utf-16")),
        ("pyproject.toml", b"[project]\ndependencies = ['flask']\n[x\n"),
        ("pyproject.toml", b"# caf\xe9\n[project]\ndependencies = ['flask']\n[project.scripts]\n"),
        ("Pipfile", b"[packages]\nflask = '*' # caf\xe9\n"),
        ("environment.yml", b"dependencies: # caf\xe9\n- flask\n"),
    ],
)
def test_what_is_wrong_with_a_file_of_packages_is_for_the_installer_to_tell(
    phases: Phases, name: str, data: bytes
) -> None:
    phases.write(name, data)
    phases.write("app.py", FLASK)
    assert phases.detect(Start()).code == 0

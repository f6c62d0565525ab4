"""What starts is checked, has its variables, and holds the app's own files: through real builds."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from cnbkit_engine.testing import free_port

if TYPE_CHECKING:
    from .conftest import Project

FLASK = """\
import os, stat, sys
from flask import Flask
app = Flask(__name__)

@app.get("/")
def env():
    names = ("PYTHONUNBUFFERED", "PYTHONFAULTHANDLER", "LANG", "PORT", "GREETING", "LEVEL", "PATH")
    mode = [oct(stat.S_IMODE(os.stat(path).st_mode)) for path in (".", "app.py")]
    return {**{name: os.environ.get(name) for name in names}, "mode": mode, "files": os.listdir()}

app.run(debug=True)
"""
PROJECT = """\
[_]
schema-version = "0.2"
[io.buildpacks]
exclude = ["/data/"]
[[io.buildpacks.build.env]]
name = "BPE_DEFAULT_LEVEL"
value = "info"
"""


def test_a_flask_app_without_a_server_listens_on_the_port_with_the_variables_of_the_build(
    project: Project,
) -> None:
    """Its own `app.run()` would listen on 127.0.0.1 with a debugger."""
    project.write({"app.py": FLASK, "requirements.txt": "flask\n", "project.toml": PROJECT})
    project.write({"data/large.csv": "1", ".env": "KEY=1", "env/pyvenv.cfg": "", "env/bin/x": ""})
    project.app.chmod(0o700)
    (project.app / "app.py").chmod(0o600)
    built = project.build(
        *("--env", "BPE_GREETING=hi", "--env", "BPE_PREPEND_PATH=/first", "--env"),
        *("BPE_DELIM_PATH=:", "--env", "BPE_PYTHONUNBUFFERED=", "--creation-time", "1700000000"),
    )
    assert "Left out of the app by project.toml: 1 file" in built.output
    assert "Left out of the app: env: a virtual environment" in built.output
    assert "what looks like secrets becomes part of the image: .env;" in built.output
    assert project.image().config["created"] == "2023-11-14T22:13:20Z"
    port = free_port()
    with project.start(env={"PORT": str(port)}) as container:
        said = json.loads(container.http_get(port))
    assert said["PATH"].startswith("/first:/")
    files = {".env", "app.py", "data", "project.toml", "requirements.txt"}
    assert set(said["files"]) - {"__pycache__"} == files
    assert said["mode"] == ["0o755", "0o644"]
    assert {name: said[name] for name in ("GREETING", "LEVEL", "LANG", "PYTHONUNBUFFERED")} == {
        "GREETING": "hi",
        "LEVEL": "info",
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "",
    }
    before = project.layers()["app"]
    old = os.umask(0o077)
    try:
        project.build("--env", "SOME=thing")
    finally:
        os.umask(old)
    assert project.layers()["app"] == before


def test_what_cannot_start_ends_the_build_before_and_after_packages(project: Project) -> None:
    project.write({"app.py": "print(1)\n", "requirements.txt": "six\n"})
    project.write({"Procfile": "web: python serve.py\n"})
    refused = project.build(code=21)
    assert "Error: web cannot start: there is no file serve.py in the app" in refused.output
    assert "Installing" not in refused.output
    project.write({"Procfile": "web: gunicorn app:app\nworker: ./work.sh\n", "work.sh": "x"})
    project.build(code=21)  # app.py has no `app`
    project.write({"app.py": "app = 1\n"})
    refused = project.build(code=51)
    assert "Error: web cannot start: the image has no program gunicorn" in refused.output
    project.write({"Procfile": "web: python -m six\nworker: ./work.sh\n"})
    built = project.build()
    assert "worker (Procfile:2) cannot start: work.sh is not executable" in built.output
    # The layers of the previous image are not there to look at now.
    project.write({"Procfile": "web: gunicorn app:app\n"})
    refused = project.build(code=51)
    assert "the image has no program gunicorn" in refused.output


def test_a_function_and_a_django_project_in_a_folder_answer(project: Project) -> None:
    project.write(
        {
            "requirements.txt": "functions-framework\n",
            "main.py": "import functions_framework\n\nclient = object()\n\n"
            "@functions_framework.http\ndef greet(request):\n    return 'hello ' + request.path\n",
        }
    )
    project.build()
    port = free_port()
    with project.start(env={"PORT": str(port)}) as container:
        assert container.http_get(port, "/you") == "hello /you"
    project.write(
        {
            "requirements.txt": "django\ngunicorn\n",
            "site/manage.py": "import os\n"
            "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
            "site/shop/settings.py": "import os\nSECRET_KEY = 'x'\nDEBUG = True\n"
            "ROOT_URLCONF = 'shop.settings'\nALLOWED_HOSTS = ['*']\n"
            "from django.http import HttpResponse\nfrom django.urls import path\n"
            "urlpatterns = [path('', lambda r: HttpResponse(os.path.basename(os.getcwd())))]\n",
            "site/shop/wsgi.py": "import os\n"
            "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
            "from django.core.wsgi import get_wsgi_application\n"
            "application = get_wsgi_application()\n",
        }
    )
    (project.app / "main.py").unlink()
    project.build()
    port = free_port()
    with project.start(env={"PORT": str(port)}) as container:
        assert container.http_get(port) == "site"

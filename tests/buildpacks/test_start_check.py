"""What keeps a process from starting is told: before packages are installed where that is known."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnbkit.app import App
from cnbkit_start import Start
from cnbkit_start.check.releases import mismatch
from cnbkit_start.check.shell import UNKNOWN, simple_commands
from cnbkit_start.check.standard import _OF_PYTHON_2, is_lost, is_standard
from cnbkit_start.code import Code

from .told import telling

if TYPE_CHECKING:
    from tests.buildpacks.conftest import Phases


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """The buildpack, on a build image whose run image has Perl and not make."""
    made = Start()
    made.system = str(tmp_path / "system")
    for name, files in {"perl-base": ["perl"], "make": ["make"]}.items():
        for file in files:
            write(tmp_path / "system/usr/bin" / file, "")
        listed = "".join(f"/usr/bin/{file}\n" for file in files)
        write(tmp_path / f"system/var/lib/dpkg/info/{name}.list", listed)
    write(tmp_path / "system/usr/share/cnbkit/run-image/status", "Package: perl-base\nVersion: 1\n")
    return made


@pytest.fixture
def installed(tmp_path: Path, phases: Phases) -> Path:
    """A layer with programs and modules, and only cnbkit's buildpacks in the builder."""
    layer = tmp_path / "cnbkit_pip" / "site"
    for program in ("gunicorn", "panel", "sanic", "solara", "streamlit", "uvicorn"):
        write(layer / "bin" / program, "")
    write(layer / "venv/bin/python", "")
    write(layer / "env.launch/PATH.prepend", f"{layer}/venv/bin")
    write(layer / "prefix/lib/python3.13/site-packages/flask/__init__.py", "")
    write(layer / "prefix/lib/python3.13/site-packages/six.py", "")
    write(
        tmp_path / "cnbkit_pip/site.toml",
        '[types]\nlaunch = true\n\n[metadata]\ndigest = "1"\n',
    )
    own = tmp_path / "buildpacks" / "cnbkit_start" / "0.1.0"
    own.mkdir(parents=True)
    phases.env["CNB_BUILDPACK_DIR"] = str(own)
    return layer


def write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    path.chmod(mode)


PYTHON = ".".join(map(str, sys.version_info[:3]))
APP = "from flask import Flask\napp = Flask(__name__)\n"
# Known from the app alone: told before anything is installed.
EARLY: dict[str, tuple[dict[str, str], str, str]] = {
    "no script": (
        {"Procfile": "web: python server.py\n", "src/server.py": ""},
        "there is no file server.py in the app",
        "write src/server.py, which is there",
    ),
    "no script below another folder": (
        {"Procfile": "web: cd api && exec python -u main.py --fast\n", "main.py": "print(1)"},
        "there is no file api/main.py in the app",
        "write main.py, which is there",
    ),
    "no program": (
        {"Procfile": "web: ./start.sh\n"},
        "there is no file start.sh in the app",
        "add it, or correct its name",
    ),
    "not executable": (
        {"Procfile": "web: ./start.sh\n", "start.sh": "#!/bin/sh\n"},
        "start.sh is not executable",
        "run `chmod +x start.sh`",
    ),
    "Windows line ends": (
        {"Procfile": "web: ./start.sh\n", "*start.sh": "#!/bin/sh\r\nexec python app.py\r\n"},
        "start.sh has lines that end as on Windows",
        "save it with Unix line ends",
    ),
    "no first line": (
        {"Procfile": "web: ./start.sh\n", "*start.sh": "exec python app.py\n"},
        "start.sh has no first line that says what runs it",
        "begin it with `#!/bin/sh`",
    ),
    "no file to serve": (
        {"Procfile": "web: streamlit run --server.port=$PORT dash.py\n"},
        "there is no file dash.py in the app",
        "add it",
    ),
    "no module": (
        {"Procfile": "web: python -m shop.serve\n", "shop/__init__.py": ""},
        "there is no module shop.serve in the app",
        "correct its name, or add the file",
    ),
    "no attribute": (
        {"Procfile": "web: gunicorn -b 0.0.0.0:$PORT app:server\n", "app.py": APP},
        "app.py has no server",
        "correct `app:server`",
    ),
    "no attribute, by Sanic": (
        {"Procfile": "web: sanic --port $PORT app:server\n", "app.py": APP},
        "app.py has no server",
        "correct `app:server`",
    ),
    "no attribute, by Sanic with a dot": (
        {"Procfile": "web: sanic shop.app.server --host=0.0.0.0\n", "shop/app.py": APP},
        "shop/app.py has no server",
        "correct `shop.app:server`",
    ),
    "no file for Panel": (
        {"Procfile": "web: panel serve --port $PORT dash.py\n"},
        "there is no file dash.py in the app",
        "add it",
    ),
    "no file for Solara": (
        {"Procfile": "web: solara run dash.py --production\n", "dash.ipynb": "{}"},
        "there is no file dash.py in the app",
        "add it",
    ),
    "no attribute below src": (
        {"Procfile": "web: uvicorn --app-dir=src --port $PORT api:ap\n", "src/api.py": APP},
        "src/api.py has no ap",
        "correct `api:ap`",
    ),
    "no such option": (
        {"Procfile": "web: gunicorn app:app --log-file-\n", "app.py": APP},
        "gunicorn has no option --log-file-",
        "write `--log-file -`",
    ),
    "no such name in a module of its own": (
        {
            "Procfile": "web: uvicorn --port $PORT app:app\n",
            "app.py": "from api.routes import app",
            "api/__init__.py": "",
            "api/routes.py": "from config.tiers import first\napp = first\n",
            "config/tiers.py": "first_of = 1\n",
        },
        "api/routes.py:1 imports first from config.tiers, and config/tiers.py has no first",
        "correct the name, or define it there",
    ),
    "no such name beside it": (
        {
            "Procfile": "web: python -m shop\n",
            "shop/__init__.py": "",
            "shop/__main__.py": "from . import models\n",
            "shop/models.py": "from .base import Row\n",
            "shop/base.py": "class Rows: ...\n",
        },
        "shop/models.py:1 imports Row from .base, and shop/base.py has no Row",
        "correct the name, or define it there",
    ),
    "no such module of its own": (
        {
            "Procfile": "web: gunicorn shop.web:app\n",
            "shop/__init__.py": "",
            "shop/web.py": "import flask\nfrom shop.settings import KEY\napp = 1\n",
        },
        "shop/web.py:2 imports shop.settings, and the app has no shop/settings.py",
        "correct its name, or add the file",
    ),
    "no such module beside it": (
        {
            "Procfile": "web: gunicorn shop.web:app\n",
            "shop/web.py": "from .keys import KEY\napp = 1\n",
        },
        "shop/web.py:1 imports .keys, and the app has no shop/keys.py",
        "correct its name, or add the file",
    ),
    "only functions": (
        {"requirements.txt": "pandas\n", "main.py": "import pandas\n\ndef main():\n    pass\n"},
        "no process to start: main.py only defines functions, so that starting it does nothing",
        "call them at its end, or add a Procfile with `web: <command>`",
    ),
    "nothing": (
        {"requirements.txt": "torch\n"},
        "no process to start: there is no Procfile, app.py or main.py",
        "add a Procfile",
    ),
    "the app as a package that has no programs": (
        {
            "requirements.txt": "# ours\n-e .\ntorch\n",
            "setup.py": "from setuptools import find_packages, setup\n"
            "setup(name='src', packages=find_packages())\n",
        },
        "no process to start: there is no Procfile, app.py or main.py",
        "add a Procfile",
    ),
    "script that is not installed": (
        {"pyproject.toml": '[project]\nname = "shop"\n[project.scripts]\nshop = "shop:main"\n'},
        "no process to start: pyproject.toml has scripts, but no [build-system]",
        "add a Procfile",
    ),
    "no server": (
        {"requirements.txt": "fastapi\ntorch\n", "main.py": "import fastapi\na=fastapi.FastAPI()"},
        "FastAPI is found in main.py:2, but no server that runs it",
        "add the line `uvicorn`",
    ),
}
# Known when it is known what the image has.
LATE: dict[str, tuple[dict[str, str], str, str]] = {
    "a file of the app without its path": (
        {"Procfile": "web: start.sh\n", "*start.sh": "#!/bin/sh\n"},
        "start.sh is not on the image's PATH, but a file of the app",
        "write ./start.sh in its place",
    ),
    "no package": (
        {"Procfile": "web: daphne app:app\n", "app.py": APP},
        "the image has no program daphne",
        "add the package that has it to the dependencies (`daphne`?)",
    ),
    "on the build image only": (
        {"Procfile": "web: make serve\n"},
        "the image has no program make",
        "add the line `make` to an Aptfile",
    ),
    "no interpreter": (
        {"Procfile": "web: ./start.sh\n", "*start.sh": "#!/usr/bin/env node\n"},
        "start.sh is to be run by node, which the image has not",
        "build with a builder that has a buildpack for it",
    ),
    "no interpreter at its place": (
        {"Procfile": "web: ./start.py\n", "*start.py": "#!/usr/bin/make -f\n"},
        "start.py is to be run by /usr/bin/make, which the image has not",
        "`#!/usr/bin/env python3`",
    ),
    "no module anywhere": (
        {"Procfile": "web: gunicorn server:app\n"},
        "there is no module server, neither in the app nor among its packages",
        "correct its name",
    ),
    "the second program": (
        {"Procfile": "web: python app.py; ./migrate && exec hypercorn app:app\n",
         "app.py": APP, "*migrate": "#!/bin/sh\n"},
        "the image has no program hypercorn",
        "(`hypercorn`?)",
    ),
    "an import of a package": (
        {"Procfile": "web: python main.py\n", "main.py": "import six\nimport yaml, six\n"},
        "main.py:2 imports yaml, which no package has",
        "add `pyyaml` to the dependencies",
    ),
    "an import by a module of the app": (
        {"Procfile": "web: gunicorn shop.web:app\n", "shop/__init__.py": "",
         "shop/web.py": "from flask import Flask\nfrom .db import a\napp = Flask(__name__)\n",
         "shop/db/__init__.py": "", "shop/db/a.py": "\n\nfrom sqlalchemy.orm import Session\n"},
        "shop/db/a.py:3 imports sqlalchemy, which no package has",
        "add `sqlalchemy` to the dependencies",
    ),
    "an import of a package's code": (
        {"Procfile": "web: python -m shop\n", "src/shop/__init__.py": "from shop import views",
         "src/shop/__main__.py": "", "src/shop/views.py": "import rest_framework"},
        "src/shop/views.py:1 imports rest_framework, which no package has",
        "add `djangorestframework` to the dependencies",
    ),
    "an import by what stands beside the script": (
        {"Procfile": "web: python jobs/run.py\n", "jobs/run.py": "import tasks\n",
         "jobs/tasks.py": "import celery.app\n"},
        "jobs/tasks.py:1 imports celery, which no package has",
        "add `celery` to the dependencies",
    ),
}  # fmt: skip
# What starts in a plain virtual environment with Flask, six and gunicorn.
STARTS: dict[str, dict[str, str]] = {
    "a module of a package": {"Procfile": "web: gunicorn six:moves\n"},
    "of the standard library": {"Procfile": "web: python -m http.server $PORT\n"},
    "a program of the base": {"Procfile": "web: perl -v\n"},
    "a shell script": {"Procfile": "web: bash start.sh\n", "start.sh": ""},
    "without a first line in bash": {"Procfile": "web: cd . && ./x\n", "*x": "true\n"},
    "a compiled program": {"Procfile": "web: ./x\n", "*x": "\x7fELF\0"},
    "a made name": {"Procfile": "web: $PROGRAM app.py\n"},
    "a made file": {"Procfile": "web: python $FILE; python *.py\n"},
    "a made attribute": {
        "Procfile": "web: gunicorn app:app\n",
        "app.py": "globals()['app'] = 1\n",
    },
    "a star": {
        "Procfile": "web: gunicorn app:app\n",
        "app.py": "from shop import *\n",
        "shop.py": "from six import *\n",
    },
    "a conditional": {
        "Procfile": "web: gunicorn app:app\n",
        "app.py": "try:\n    import x as app\nexcept ImportError:\n    app = None\n",
    },
    "unpacked": {"Procfile": "web: gunicorn app:app\n", "app.py": "db, app = make()\n"},
    "a factory": {
        "Procfile": "web: gunicorn 'app:create_app(\"prod\")'\n",
        "app.py": "def create_app(mode):\n    pass\n",
    },
    "a socket": {"Procfile": "web: gunicorn --bind unix:app.sock app:app\n", "app.py": APP},
    "a configuration": {
        "Procfile": "web: gunicorn -c python:settings app:app\n",
        "app.py": APP,
    },
    "for a newer Python": {
        "Procfile": "web: gunicorn app:app\n",
        "app.py": "app = type := (\nwhile True yield\n",
    },
    "after or": {"Procfile": "web: python app.py || nothing-here\n", "app.py": APP},
    "a loop": {"Procfile": "web: while true; do ./nothing; done\n"},
    "a variable before": {"Procfile": "web: MODE=x python app.py >log 2>&1\n", "app.py": APP},
    "in a folder": {
        "entrypoint.toml": 'web = {command = ["python", "a.py"], working-dir = "src"}\n',
        "src/a.py": "",
    },
    "a namespace": {"Procfile": "web: gunicorn shop.web:app\n", "shop/readme.md": ""},
    "a name that another import makes": {
        "Procfile": "web: python main.py\n",
        "main.py": "from shop import db, make, run, __version__\nfrom shop.base import a, b, c\n",
        "shop/__init__.py": "from .base import *\n",
        "shop/base.py": "try:\n    import json as a\nfinally:\n    b = 1\nfor c in (1, 2): ..."
        "\nclass make: ...\ndb = run = make()\n",
    },
    "a folder that is a module": {
        "Procfile": "web: python main.py\n",
        "main.py": "from shop import db\nfrom shop.data import rows\n",
        "shop/__init__.py": "",
        "shop/db/rows.csv": "",
        "shop/data/rows.py": "",
    },
    "a name that a module makes for itself": {
        "Procfile": "web: python main.py\n",
        "main.py": "from shop import row\nfrom keys import key\n",
        "shop/__init__.py": "def __getattr__(name):\n    return 1\n",
        "keys.py": "import sys\nsys.modules[__name__] = object()\n",
    },
    "a module of its own in two places": {
        "Procfile": "web: gunicorn --pythonpath lib main:app\n",
        "main.py": "from shop import row as app\n",
        "shop.py": "",
        "lib/shop.py": "row = 1\n",
    },
    "a compiled module of its own": {
        "Procfile": "web: python main.py\n",
        "main.py": "from shop import fast\nfrom shop.faster import run\n",
        "shop/__init__.py": "",
        "shop/fast.cpython-313-x86_64-linux-gnu.so": "",
        "shop/faster.abi3.so": "",
    },
    "an import that may fail": {
        "Procfile": "web: python main.py\n",
        "main.py": "try:\n    import yaml\nexcept ImportError:\n    yaml = None\n",
    },
    "an import that may never run": {
        "Procfile": "web: python main.py\n",
        "main.py": "import sys\nif sys.version_info < (3, 11):\n    import tomli\n"
        "def f():\n    import yaml\n",
    },
    "an import from a folder that the code adds": {
        "Procfile": "web: python main.py\n",
        "main.py": "import sys\nsys.path.append('/opt/models')\nimport models\n",
    },
    "an import of a module elsewhere in the app": {
        "Procfile": "web: python main.py\n",
        "main.py": "import yaml\n",
        "third/party/yaml/__init__.py": "",
    },
    "an import of the next Python's": {
        "Procfile": "web: python main.py\n",
        "main.py": "import annotationlib\nfrom __future__ import annotations\n",
    },
    "an import after what this Python cannot read": {
        "Procfile": "web: python main.py\n",
        "main.py": "type Row = (\nwhile\nimport yaml\n",
    },
}


def add(phases: Phases, files: dict[str, str]) -> None:
    for name, text in files.items():
        write(phases.app / name.lstrip("*"), text, 0o755 if name.startswith("*") else 0o644)


UV_LOCK = 'version = 1\n\n[[package]]\nname = "flask"\nversion = "3.1.0"\n'
COMPILED = "# This file was autogenerated by uv via the following command:\n#    uv pip compile\n"
BY_HAND = {"Procfile": "web: gunicorn app:app\n", "app.py": APP, "requirements.txt": "flask\n"}
LOCKED = {
    "uv.lock": {"Procfile": "web: gunicorn app:app\n", "app.py": APP, "uv.lock": UV_LOCK},
    "a module": {
        "Procfile": "web: python -m gunicorn app:app\n",
        "app.py": APP,
        "uv.lock": UV_LOCK,
    },
    "compiled": {**BY_HAND, "requirements.txt": f"{COMPILED}flask==3.1.0\n"},
    "after others": {
        "Procfile": "web: ./prepare && exec gunicorn app:app\n",
        "app.py": APP,
        "*prepare": "#!/bin/sh\n",
        "pylock.toml": 'lock-version = "1.0"\n[[packages]]\nname = "flask"\n',
    },
}
ADDS = {
    "uv.lock": "run `uv add gunicorn` and commit uv.lock",
    "requirements.txt": "add the line `gunicorn` to the dependencies in requirements.txt",
    "pylock.toml": "add `gunicorn` to what pylock.toml was locked from, and lock it again",
}
BENTOML = '[project]\nname = "bentoml"\nversion = "1"\n[build-system]\nrequires = ["hatchling"]\n'
NOT_LOCKED = {
    "the project is that package": {
        "pyproject.toml": f'{BENTOML}[project.scripts]\nbentoml = "cli:main"\n',
        "uv.lock": UV_LOCK,
    },
    "the project is that package, by setup.cfg": {
        "Procfile": "web: celery -A shop worker\n",
        "shop.py": "",
        "setup.cfg": "[options.entry_points]\nconsole_scripts =\n  celery = celery.main:main\n",
        "uv.lock": UV_LOCK,
    },
    "what it needs may bring it": BY_HAND,
    "it is there": {
        **LOCKED["uv.lock"],
        "uv.lock": UV_LOCK + UV_LOCK.partition("\n\n")[2].replace("flask", "gunicorn"),
    },
    "by apt": {**LOCKED["uv.lock"], "Aptfile": "gunicorn\n"},
    "by apt's table": {
        **LOCKED["uv.lock"],
        "project.toml": '[tool.cnbkit.apt]\npackages = ["gunicorn"]\n',
    },
    "by conda": {**LOCKED["uv.lock"], "environment.yml": "dependencies: [gunicorn]\n"},
}


@pytest.mark.parametrize("files", LOCKED.values(), ids=LOCKED)
def test_a_server_that_a_lock_lacks_is_told_before_packages_are_installed(
    phases: Phases, installed: Path, start: Start, files: dict[str, str]
) -> None:
    assert installed.is_dir()
    add(phases, files)
    ran = phases.detect(start)
    assert (ran.code, ran.fault is not None) == (65, True), ran.out
    assert ran.fault is not None
    assert "gunicorn, which brings the program gunicorn, is not among" in ran.fault.what
    assert ADDS[next(name for name in ADDS if name in files)] in (ran.fault.remedy or "")


@pytest.mark.parametrize("files", NOT_LOCKED.values(), ids=NOT_LOCKED)
def test_a_server_that_may_come_is_waited_for(
    phases: Phases, installed: Path, start: Start, files: dict[str, str]
) -> None:
    assert installed.is_dir()
    add(phases, files)
    assert phases.detect(start).code == 0


@pytest.mark.parametrize(("files", "what", "remedy"), EARLY.values(), ids=EARLY)
def test_what_the_app_alone_tells_is_refused_before_packages_are_installed(
    phases: Phases,
    installed: Path,
    start: Start,
    files: dict[str, str],
    what: str,
    remedy: str,
) -> None:
    assert installed.is_dir()
    add(phases, files)
    for ran in (phases.detect(start), phases.build(start)):
        assert ran.code == 65, ran.out
        assert ran.fault is not None
        assert what in ran.fault.what
        assert remedy in (ran.fault.remedy or "")


@pytest.mark.parametrize(("files", "what", "remedy"), LATE.values(), ids=LATE)
def test_what_the_image_has_not_is_an_error_for_the_default_process(
    phases: Phases,
    installed: Path,
    start: Start,
    files: dict[str, str],
    what: str,
    remedy: str,
) -> None:
    assert installed.is_dir()
    add(phases, files)
    assert phases.detect(start).code == 0
    ran = phases.build(start)
    assert ran.code == 65, ran.out
    assert ran.fault is not None
    assert ran.fault.what == f"web cannot start: {what}"
    assert ran.fault.where == "Procfile:1"
    assert remedy in (ran.fault.remedy or "")
    phases.env["BP_START_CHECK"] = "warn"
    ran = phases.build(start)
    assert ran.code == 0
    assert f"Warning: web (Procfile:1) cannot start: {what}; " in ran.err
    phases.env["BP_START_CHECK"] = "off"
    assert phases.build(start).err == ""


IN_LOCK = UV_LOCK.replace("flask", "gunicorn")


def test_all_that_a_lock_lacks_is_told_at_once(
    phases: Phases, installed: Path, start: Start
) -> None:
    assert installed.is_dir()
    app = f"import requests, json\nimport sklearn\nimport requests.sessions\n{APP}"
    add(phases, {"uv.lock": IN_LOCK, "Procfile": "web: gunicorn app:app\n", "app.py": app})
    ran = phases.detect(start)
    assert ran.fault is not None
    assert ran.fault.what == (
        "web cannot start: app.py:1 imports requests, and requests is not among the packages of "
        "uv.lock; the same of sklearn (app.py:2), flask (app.py:4)"
    )
    assert "`uv add requests scikit-learn flask`" in str(ran.fault.remedy)


def test_a_framework_that_a_lock_lacks_is_told_before_packages_are_installed(
    phases: Phases, installed: Path, start: Start
) -> None:
    assert installed.is_dir()
    add(phases, {"uv.lock": IN_LOCK, "Procfile": "web: gunicorn app:app\n", "app.py": APP})
    ran = phases.detect(start)
    assert ran.fault is not None
    assert ran.fault.what == (
        "web cannot start: app.py:1 imports flask, and flask is not among the packages of uv.lock"
    )
    assert "run `uv add flask` and commit uv.lock" in (ran.fault.remedy or "")
    add(phases, {"app.py": "import yaml\n" + APP.replace("flask", "shop"), "shop/x.txt": ""})
    assert phases.detect(start).fault is None  # several packages may bring them
    add(phases, {"app.py": APP, "flask/__init__.py": "Flask = print\n"})
    assert phases.detect(start).fault is None


def test_without_the_cache_the_image_itself_remembers_its_programs(
    phases: Phases, installed: Path, start: Start
) -> None:
    """A CI service has the previous image alone: the verdict is that of a first build."""
    add(phases, {"Procfile": "web: gunicorn app:app\n", "app.py": APP})
    assert phases.build(start).code == 0
    shutil.rmtree(installed)
    for own in phases.layers.glob("known*"):
        shutil.rmtree(own) if own.is_dir() else own.unlink()
    add(phases, {"Procfile": "web: daphne app:app\n"})
    ran = phases.build(start)
    assert ran.fault is not None
    assert ran.fault.what == "web cannot start: the image has no program daphne"
    add(phases, {"Procfile": "web: gunicorn app:app\n", "app.py": f"import yaml\n{APP}"})
    ran = phases.build(start)
    assert ran.fault is not None
    assert "app.py:1 imports yaml, which no package has" in ran.fault.what


NO_PYTHON: dict[str, tuple[dict[str, str], str]] = {
    "the script": (
        {"Procfile": "web: python app.py\n", "app.py": "x = 1\nprint 'x'\n"},
        "app.py:2 is not Python 3.11: Missing parentheses in call to 'print'",
    ),
    "what it imports": (
        {"Procfile": "web: python app.py\n", "app.py": "import shop\n", "shop.py": "a b\n"},
        "shop.py:1 is not Python 3.11: invalid syntax",
    ),
    "what a server imports": (
        {"Procfile": "web: gunicorn app:app\n", "app.py": f"{APP}return\n"},
        "app.py:3 is not Python 3.11: 'return' outside function",
    ),
}


@pytest.mark.parametrize(("files", "what"), NO_PYTHON.values(), ids=NO_PYTHON)
def test_code_that_the_apps_python_cannot_read_is_told_with_its_line(
    phases: Phases, installed: Path, start: Start, files: dict[str, str], what: str
) -> None:
    assert installed.is_dir()
    add(phases, files)
    phases.env.update(telling(python_version="3.11.2"))
    ran = phases.build(start)
    assert ran.fault is not None
    assert ran.fault.what.startswith(f"web cannot start: {what}")
    newer = "; if a newer Python has that, name it in .python-version"
    assert (ran.fault.remedy or "").startswith(
        f"correct that line{newer if 'invalid syntax' in what else ';'}"
    )
    # What this Python cannot read, a newer one may.
    phases.env.update(telling(python_version="3.99.0"))
    assert phases.build(start).fault is None


@pytest.mark.parametrize("files", STARTS.values(), ids=STARTS)
def test_what_can_start_or_cannot_be_told_passes(
    phases: Phases, installed: Path, start: Start, files: dict[str, str]
) -> None:
    assert installed.is_dir()
    add(phases, files)
    for ran in (phases.detect(start), phases.build(start)):
        assert (ran.code, ran.err) == (0, ""), ran.fault


CV2 = {
    "path": "/layers/cnbkit_pip/wheels-cv/prefix/lib/python3.13/site-packages/cv2/cv2.abi3.so",
    "module": "cv2",
    "owner": "opencv-python",
    "needs": "libGL.so.1",
    "remedy": "add `libgl1` to Aptfile, or use opencv-python-headless",
}
PQ = {
    "path": "/layers/cnbkit_pip/x/lib/python3.13/site-packages/psycopg2/_psycopg.abi3.so",
    "module": "psycopg2._psycopg",
    "owner": "psycopg2",
    "needs": "libpq.so.5",
    "remedy": "add `libpq5` to Aptfile, or use psycopg2-binary",
}
GUNICORN = {
    "path": "/layers/cnbkit_pip/site/venv/bin/gunicorn",
    "module": "",
    "owner": "gunicorn-in-c",
    "needs": "libev.so.4",
    "remedy": "add `libev4` to Aptfile",
}
WITH_CV2 = f"import cv2\n{APP}"
REFUSED: dict[str, tuple[dict[str, str], str, str]] = {
    "imported first": (
        {"Procfile": "web: gunicorn app:app\n", "app.py": WITH_CV2},
        "app.py:1 imports opencv-python, which needs libGL.so.1",
        "add `libgl1` to Aptfile, or use opencv-python-headless",
    ),
    "imported by what is imported": (
        {
            "Procfile": "web: env FLASK_APP=app:app flask run\n",
            "app.py": f"import shop.views\n{APP}",
            "shop/views.py": "from cv2 import imread\n",
        },
        "shop/views.py:1 imports opencv-python, which needs libGL.so.1",
        "add `libgl1` to Aptfile",
    ),
    "named by an option": (
        {"Procfile": "web: flask --app=app run\n", "app.py": WITH_CV2},
        "app.py:1 imports opencv-python, which needs libGL.so.1",
        "add `libgl1` to Aptfile",
    ),
    "imported by what is started": (
        {
            "Procfile": "web: python main.py\n",
            "main.py": "if __name__ == '__main__':\n    import cv2\n",
        },
        "main.py:2 imports opencv-python, which needs libGL.so.1",
        "add `libgl1` to Aptfile",
    ),
    "imported by a package": (
        {"Procfile": "web: python main.py\n", "main.py": "import six\nimport psycopg2\n"},
        "main.py:2 imports psycopg2, which needs libpq.so.5",
        "add `libpq5` to Aptfile, or use psycopg2-binary",
    ),
    "linked": (
        {"Procfile": "web: gunicorn app:app\n", "app.py": APP, "*native": ""},
        "gunicorn-in-c needs libev.so.4",
        "add `libev4` to Aptfile",
    ),
}
TOLERATED: dict[str, dict[str, str]] = {
    "imported in a function": {
        "Procfile": "web: gunicorn app:app\n",
        "app.py": f"{APP}def look():\n    import cv2\n",
    },
    "done without": {
        "Procfile": "web: gunicorn app:app\n",
        "app.py": f"try:\n    import cv2\nexcept ImportError:\n    cv2 = None\n{APP}",
    },
    "not imported when it is served": {
        "Procfile": "web: gunicorn app:app\n",
        "app.py": f"{APP}if __name__ == '__main__':\n    import cv2\n",
    },
    "the app's own module of that name": {
        "Procfile": "web: gunicorn app:app\n",
        "app.py": WITH_CV2,
        "cv2.py": "",
    },
    "a part of the package that nobody imports": {
        "Procfile": "web: gunicorn app:app\n",
        "app.py": f"import psycopg2.extras\n{APP}",
    },
}


def missing(phases: Phases, installed: Path, *entries: dict[str, str]) -> None:
    """Packages of which some files cannot be loaded, as elf-check tells it."""
    site = installed / "prefix/lib/python3.13/site-packages"
    write(
        site / "cv2/__init__.py", "from importlib import import_module\nimport_module('cv2.cv2')\n"
    )
    write(site / "psycopg2/extras.py", "")
    write(site / "psycopg2/__init__.py", "")
    listed = installed.parent / "unloadable.json"
    write(listed, json.dumps(entries))
    phases.env |= telling(missing_libraries=str(listed))


@pytest.mark.parametrize(("files", "what", "remedy"), REFUSED.values(), ids=REFUSED)
def test_a_library_that_is_missing_where_the_default_process_certainly_loads_it_is_an_error(
    phases: Phases,
    installed: Path,
    start: Start,
    files: dict[str, str],
    what: str,
    remedy: str,
) -> None:
    missing(phases, installed, CV2, PQ, *([GUNICORN] if "*native" in files else []))
    init = installed / "prefix/lib/python3.13/site-packages/psycopg2/__init__.py"
    write(init, "try:\n    from ._psycopg import connect\nexcept ImportError:\n    raise\n")
    write(installed / "bin/flask", "")
    add(phases, files)
    ran = phases.build(start)
    assert ran.code == 65, ran.out
    assert ran.fault is not None
    assert ran.fault.what == f"web cannot start: {what}, which is not in the image"
    said = ran.fault.remedy or ""
    assert said.startswith(remedy)
    assert said.endswith("; or set BP_START_CHECK=warn")
    assert ran.fault.where == "Procfile:1"
    # Of another process it is a warning.
    write(phases.app / "Procfile", f"x: {files['Procfile'][5:]}web: python six.py\n")
    write(phases.app / "six.py", "")
    ran = phases.build(start)
    assert ran.code == 0, ran.fault
    assert f"x (Procfile:1) cannot start: {what}" in ran.err


@pytest.mark.parametrize("files", TOLERATED.values(), ids=TOLERATED)
def test_a_library_that_is_missing_where_the_process_may_never_load_it_is_none(
    phases: Phases, installed: Path, start: Start, files: dict[str, str]
) -> None:
    missing(phases, installed, CV2, PQ)
    add(phases, files)
    ran = phases.build(start)
    assert (ran.code, ran.err) == (0, ""), ran.fault


def test_such_a_library_is_found_behind_a_small_package_beside_a_large_one(
    phases: Phases, installed: Path, start: Start
) -> None:
    missing(phases, installed, CV2)
    site = installed / "prefix/lib/python3.13/site-packages"
    write(site / "large/__init__.py", "from . import more\n" + "# much\n" * 700_000)
    write(site / "large/more.py", "# more\n" * 700_000)
    write(site / "small/__init__.py", "from . import part\n")
    write(site / "small/part.py", "import cv2\n")
    write(phases.app / "app.py", f"import large\nimport small\n{APP}")
    write(phases.app / "Procfile", "web: gunicorn app:app\n")
    ran = phases.build(start)
    assert ran.code == 65, ran.out
    assert ran.fault is not None
    assert ran.fault.what.startswith("web cannot start: app.py:2 imports ")


BEHIND: dict[str, tuple[str, bool]] = {
    "a package of its own": ("import psycopg2", True),
    "another package": ("import small.parts", True),
    "a part of a package": ("from small.parts import first", True),
    "two packages, of two layers": ("import far.away", True),
    "imported in a function": ("import small.late", False),
    "done without": ("import small.tried", False),
    "another part": ("import psycopg2_pool", False),
}


@pytest.mark.parametrize("cache", [True, False], ids=["with its cache", "with the image alone"])
@pytest.mark.parametrize(("line", "refused"), BEHIND.values(), ids=BEHIND)
def test_of_a_reused_layer_an_app_that_newly_imports_such_a_library_has_a_first_builds_verdict(
    phases: Phases, installed: Path, start: Start, line: str, refused: bool, cache: bool
) -> None:
    missing(phases, installed, PQ)
    site = installed / "prefix/lib/python3.13/site-packages"
    write(site / "psycopg2/__init__.py", "from ._psycopg import connect\n")
    write(site / "psycopg2_pool.py", "import six\n")
    other = installed.parent / "more"
    modules = other / "prefix/lib/python3.13/site-packages"
    write(installed.parent / "more.toml", '[types]\nlaunch = true\n[metadata]\ndigest = "2"\n')
    write(modules / "small/__init__.py", "")
    write(modules / "small/parts.py", "import sys, psycopg2.extras as extras\nfirst = 1\n")
    write(modules / "small/late.py", "def late():\n    import psycopg2\n")
    write(modules / "small/tried.py", "try:\n    import psycopg2\nexcept ImportError: ...\n")
    write(site / "far/__init__.py", "")
    write(site / "far/away.py", "from . import near\n")
    write(site / "far/near.py", "from small import parts\n")
    add(phases, {"Procfile": "web: gunicorn app:app\n", "app.py": f"{line}\n{APP}"})
    first = phases.build(start)
    add(phases, {"app.py": APP})
    assert phases.build(start).fault is None
    for layer in (installed, other):
        shutil.rmtree(layer)
    if not cache:
        shutil.rmtree(phases.layers / "known")
        (phases.layers / "known.toml").unlink()
    add(phases, {"app.py": f"{line}\n{APP}"})
    again = phases.build(start)
    assert (first.fault is not None, again.fault is not None) == (refused, refused), again.out
    if first.fault and again.fault:
        assert again.fault.what == first.fault.what
        assert again.fault.what == (
            "web cannot start: app.py:1 imports psycopg2, which needs libpq.so.5, which is not in "
            "the image"
        )
        assert again.fault.remedy == first.fault.remedy


def test_a_folder_that_is_a_part_of_a_larger_app_is_told_to_be_built_with_it(
    phases: Phases, installed: Path, start: Start
) -> None:
    assert installed.is_dir()
    files = {"app.py": f"from src.shop.views import home\n{APP}", "views.py": "home = 1\n"}
    add(phases, {"Procfile": "web: gunicorn app:app\n", **files})
    fault = phases.build(start).fault
    assert fault is not None
    assert "app.py:1 imports src, which no package has" in fault.what
    assert (fault.remedy or "").startswith(
        "build the folder that holds src/, with --env "
        "BP_PYTHON_INPUT=src/shop/requirements.txt: this one is a part of it"
    )


SHOP = {"src/shop/__init__.py": "", "pyproject.toml": "[project]\nname = 'shop'\n"}
MISPLACED: dict[str, tuple[dict[str, str], bool]] = {
    "a script": ({"main.py": "import shop\n", "Procfile": "web: python main.py\n"}, True),
    "a module": ({"main.py": "import shop\n", "Procfile": "web: python -m main\n"}, True),
    "through a module of the app": (
        {"main.py": "import own\n", "own.py": "from shop import x\n",
         "Procfile": "web: python main.py\n", "src/shop/__init__.py": "x = 1\n"},
        True,
    ),
    "the script lies there": (
        {"src/main.py": "import shop\n", "Procfile": "web: python src/main.py\n"}, False,
    ),
    "started there": (
        {"src/main.py": "import shop\n", "Procfile": "web: cd src && python main.py\n"}, False,
    ),
    "PYTHONPATH of the command": (
        {"main.py": "import shop\n", "Procfile": "web: PYTHONPATH=src python main.py\n"}, False,
    ),
    "PYTHONPATH exported": (
        {"main.py": "import shop\n",
         "Procfile": "web: export PYTHONPATH=$PYTHONPATH:src && python main.py\n"},
        False,
    ),
    "code that looks there": (
        {"main.py": "import sys\nsys.path.append('src')\nimport shop\n",
         "Procfile": "web: python main.py\n"},
        False,
    ),
    "imported in a module that looks there": (
        {"main.py": "import paths\nimport shop\n",
         "paths.py": "import sys\nsys.path.append('src')\n",
         "Procfile": "web: python main.py\n"},
        False,
    ),
    "perhaps not imported": (
        {"main.py": "try:\n    import shop\nexcept ImportError:\n    pass\n",
         "Procfile": "web: python main.py\n"},
        False,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "fails"), MISPLACED.values(), ids=MISPLACED.keys())
def test_a_module_where_python_does_not_look_is_told(
    files: dict[str, str], fails: bool, phases: Phases, installed: Path, start: Start
) -> None:
    assert installed.is_dir()
    files = {**SHOP, **files}
    add(phases, files)
    # What Python itself does in this folder is the oracle.
    command = files["Procfile"].partition(": ")[2].replace("python", sys.executable)
    ran = subprocess.run(["sh", "-c", command], cwd=phases.app, capture_output=True, check=False)
    assert (ran.returncode != 0) == fails, ran.stderr
    told = phases.build(start)
    assert told.fault is None
    line = "imports shop, which lies in src/, where Python does not look; add a line `.` to "
    assert (line in told.err) == fails
    assert ("web (Procfile:1) may not start: " in told.err) == fails


@pytest.mark.parametrize("name", ["BPE_PYTHONPATH", "BPE_PREPEND_PYTHONPATH"])
def test_a_module_where_the_image_makes_python_look_is_not_told(
    name: str, phases: Phases, installed: Path, start: Start
) -> None:
    assert installed.is_dir()
    add(phases, {**SHOP, **MISPLACED["a script"][0]})
    phases.env[name] = "/workspace/src"
    told = phases.build(start)
    assert told.fault is None
    assert "lies in src/" not in told.err


def test_a_package_named_as_a_module_of_python_is_not_what_an_app_imports(
    phases: Phases, installed: Path, start: Start
) -> None:
    """`asyncio` of an index is from before Python 3.7: Python finds its own first."""
    site = installed / "prefix/lib/python3.13/site-packages"
    write(site / "asyncio/__init__.py", "from . import base_events\n")
    write(site / "asyncio/base_events.py", "import os\nfuture = tasks.async(1)\n")
    phases.env.update(telling(python_version=PYTHON))
    add(phases, {"Procfile": "web: gunicorn app:app\n", "app.py": f"import asyncio\n{APP}"})
    assert phases.build(start).fault is None
    # Of the app's own that is not so: its folder comes before Python's.
    add(phases, {"asyncio/__init__.py": "async = 1\n"})
    ran = phases.build(start)
    assert ran.fault is not None
    assert "asyncio/__init__.py:1 is not Python" in ran.fault.what


OLD = "from werkzeug.urls import url_quote\n"
MISMATCHED: dict[str, tuple[dict[str, str], str]] = {
    "a name that is gone": ({"flask/app.py": OLD}, "url_quote from werkzeug.urls"),
    "a module that is gone": ({"flask/app.py": "import werkzeug.wsgi\n"}, "wsgi from werkzeug"),
    "behind another": (
        {"flask/app.py": "from . import tag\n", "flask/tag.py": OLD},
        "url_quote from werkzeug.urls",
    ),
}  # fmt: skip
MATCHED: dict[str, dict[str, str]] = {
    "it is there": {"werkzeug/urls.py": "def url_quote():\n    pass\n"},
    "under a condition": {"werkzeug/urls.py": "if 1:\n    url_quote = len\n"},
    "by a star": {"werkzeug/urls.py": "from .more import *\n", "werkzeug/more.py": "a = 1\n"},
    "on demand": {"werkzeug/urls.py": "def __getattr__(name):\n    return name\n"},
    "by other code": {"werkzeug/urls.py": "globals().update({'url' + '_quote': 1})\n"},
    "by the importer": {"flask/app.py": f"import werkzeug\nwerkzeug.urls.url_quote = 1\n{OLD}"},
    "compiled": {"werkzeug/urls.cpython-313-x86_64-linux-gnu.so": ""},
    "a module of its own": {"flask/app.py": "from werkzeug import data\n", "werkzeug/data.so": ""},
    "a name that is a module's too": {
        "flask/app.py": "from flask.io import url\n",
        "flask/io/__init__.py": "from .other import url\n",
        "flask/io/other.py": "url = 1\n",
        "flask/io/url.py": OLD,
    },
    "done without": {"flask/app.py": f"try:\n    {OLD}except ImportError:\n    pass\n"},
    "when it is called": {"flask/app.py": f"def f():\n    {OLD}"},
}  # fmt: skip


def releases(installed: Path, files: dict[str, str]) -> None:
    """An old Flask on a new Werkzeug."""
    site = installed / "prefix/lib/python3.13/site-packages"
    both = {
        "flask/__init__.py": "from .app import Flask\n",
        "flask/app.py": f"{OLD}class Flask:\n    pass\n",
        "werkzeug/__init__.py": "VERSION = 3\n",
        "werkzeug/urls.py": "import codecs\ncodecs.register_error('werkzeug.url_quote', len)\n",
        "werkzeug-3.1.9.dist-info/METADATA": "",
        "Flask-2.0.3.dist-info/METADATA": "",
    }
    for name, text in {**both, **files}.items():
        made = text if name != "flask/app.py" else f"{text}class Flask:\n    pass\n"
        write(site / name, made)


@pytest.mark.parametrize(("files", "what"), MISMATCHED.values(), ids=MISMATCHED)
def test_a_package_that_imports_what_another_release_had_is_told_with_that_release(
    phases: Phases, installed: Path, start: Start, files: dict[str, str], what: str
) -> None:
    releases(installed, files)
    add(phases, {"Procfile": "web: gunicorn app:app\n", "app.py": APP})
    ran = phases.build(start)
    assert ran.fault is not None, ran.out
    assert ran.fault.what == (
        f"web cannot start: app.py:1 imports flask, which imports {what}, and werkzeug 3.1.9 "
        "has no such name"
    )
    assert (ran.fault.remedy or "").startswith("add `werkzeug<3` to the dependencies, or ")


@pytest.mark.parametrize("files", MATCHED.values(), ids=MATCHED)
def test_what_may_be_there_when_it_is_imported_is_not_missed(
    phases: Phases, installed: Path, start: Start, files: dict[str, str]
) -> None:
    releases(installed, files)
    add(phases, {"Procfile": "web: gunicorn app:app\n", "app.py": APP})
    ran = phases.build(start)
    assert (ran.code, ran.err) == (0, ""), ran.fault


def test_a_server_that_imports_what_no_package_has_is_told(
    phases: Phases, installed: Path, start: Start
) -> None:
    """gunicorn 20 imports pkg_resources, which setuptools has no more."""
    prefix = installed / "prefix"
    script = "#!/layers/venv/bin/python\nimport sys\nfrom gunicorn.app.wsgiapp import run\n"
    write(prefix / "bin/gunicorn", script, 0o755)
    site = prefix / "lib/python3.13/site-packages"
    write(site / "gunicorn/app/wsgiapp.py", "from gunicorn import util\nrun = 1\n")
    write(site / "gunicorn/util.py", "import pkg_resources\n")
    add(phases, {"Procfile": "web: gunicorn app:app\n", "app.py": APP})
    ran = phases.build(start)
    assert ran.fault is not None, ran.out
    assert ran.fault.what == (
        "web cannot start: gunicorn imports pkg_resources, which no package has"
    )
    remedy = "add `setuptools<82` to the dependencies, or take a newer release of gunicorn"
    assert (ran.fault.remedy or "").startswith(remedy)
    write(site / "pkg_resources/__init__.py", "")
    assert phases.build(start).code == 0


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({"app.py": f"import cgi\n{APP}"}, "app.py:1 imports cgi, which Python has no more"),
        (
            {"app.py": f"import flask\n{APP}", "*flask/__init__.py": "import cgi\nFlask = str\n"},
            "app.py:1 imports flask, which imports cgi, which Python has no more",
        ),
    ],
)
def test_a_module_that_the_app_s_python_has_lost_is_told_with_what_brings_it(
    phases: Phases, installed: Path, start: Start, files: dict[str, str], what: str
) -> None:
    site = installed / "prefix/lib/python3.13/site-packages"
    for name, text in files.items():
        write((site if name.startswith("*") else phases.app) / name.lstrip("*"), text)
    add(phases, {"Procfile": "web: gunicorn app:app\n"})
    phases.env.update(telling(python_version="3.13.1"))
    ran = phases.build(start)
    assert ran.fault is not None
    assert ran.fault.what == f"web cannot start: {what} since 3.13"
    assert (ran.fault.remedy or "").startswith("add `legacy-cgi` to the dependencies, or write an")
    phases.env.update(telling(python_version="3.12.9"))
    assert phases.build(start).fault is None


IZIP = "from itertools import izip\n"
# Each line of an app or of a package that fails on Python 3.13, and what is said of it.
OUTDATED: dict[str, tuple[dict[str, str], str, str]] = {
    "Python 2's module": (
        {"app.py": f"{APP}import urllib2\n"},
        "app.py:3 imports urllib2, which only Python 2 has",
        "import urllib.request in its place",
    ),
    "a package that imports it": (
        {"app.py": f"import flask\n{APP}", "*flask/__init__.py": "import Queue\nFlask = str\n"},
        "app.py:1 imports flask, which imports Queue, which only Python 2 has",
        "take a newer release of flask",
    ),
    "a name that a module of Python has no more": (
        {"app.py": f"from collections import Mapping\n{APP}"},
        "app.py:1 imports Mapping from collections, gone since Python 3.10",
        "use collections.abc in its place",
    ),
    "such a module": (
        {"app.py": f"import email.Utils as u\n{APP}"},
        "app.py:1 imports Utils from email, which only Python 2 has",
        "use email.encoders or email.utils in its place",
    ),
    "a package that imports the name": (
        {"app.py": f"import flask\n{APP}", "*flask/__init__.py": "from .a import Flask\n",
         "*flask/a.py": "from inspect import getargspec\nFlask = str\n"},
        "app.py:1 imports flask, which imports getargspec from inspect, gone since Python 3.11",
        "take a newer release of flask, or another package, or write an older Python into",
    ),
    "a package that imports a name of Python 2": (
        {"app.py": f"import flask\n{APP}", "*flask/__init__.py": f"{IZIP}Flask = str\n"},
        "app.py:1 imports flask, which imports izip from itertools, which only Python 2 has",
        "take a newer release of flask, or another package; or set",
    ),
    "a base class": (
        {"app.py": f"{APP}import collections\nclass A(dict, collections.Mapping):\n    pass\n"},
        "app.py:4 uses collections.Mapping, gone since Python 3.10",
        "use collections.abc in its place",
    ),
    "a method's decorator": (
        {"app.py": f"import flask\n{APP}", "*flask/__init__.py":
         "import asyncio\nclass Flask:\n    @asyncio.coroutine\n    def f(self): pass\n"},
        "app.py:1 imports flask, whose flask/__init__.py:4 uses asyncio.coroutine, gone since",
        "take a newer release of flask",
    ),
    "what a call is given": (
        {"app.py": f"import flask\n{APP}", "*flask/__init__.py":
         "import inspect\nFlask = str\ndict(inspect.getargspec(len), a=1)\n"},
        "app.py:1 imports flask, whose flask/__init__.py:3 uses inspect.getargspec, gone since",
        "take a newer release of flask",
    ),
    "two names of one base class": (
        {"app.py": f"import flask\n{APP}", "*flask/__init__.py": "from .exc import Flask\n",
         "*flask/exc.py": "import asyncio\nimport builtins\n"
         "class Flask(asyncio.TimeoutError, builtins.TimeoutError, ValueError):\n    pass\n"},
        "app.py:1 imports flask, whose flask/exc.py:3 has a class of both asyncio.TimeoutError and",
        "take a newer release of flask, or another package, or write an older Python into",
    ),
    "a package for Python 2": (
        {"app.py": f"import flask\n{APP}",
         "*flask/__init__.py": "import os\nprint 'here'\nFlask = str\n"},
        "app.py:1 imports flask, whose flask/__init__.py:2 is not Python 3: Missing parentheses in",
        "take a newer release of flask, or another package; or set",
    ),
}  # fmt: skip
NOT_OUTDATED: dict[str, dict[str, str]] = {
    "with another way": {
        "app.py": "try:\n    from collections import Mapping\nexcept ImportError:\n"
        f"    from collections.abc import Mapping\n{APP}"
    },
    "when it is called": {"app.py": f"{APP}def f():\n    from inspect import getargspec\n"},
    "the app's own module": {"app.py": f"{APP}import Queue\n", "Queue.py": ""},
    "a package's own module": {
        "app.py": f"import flask\n{APP}",
        "*flask/__init__.py": "from .collections import Mapping as Flask\n",
        "*flask/collections.py": "Mapping = str\n",
    },
    "a class of the module's own": {
        "app.py": f"{APP}import asyncio\nclass TimeoutError(asyncio.TimeoutError):\n    pass\n"
        "class Late(asyncio.TimeoutError, ValueError):\n    pass\n"
    },
    "under a condition": {
        "app.py": f"{APP}import time\nnow = time.clock if hasattr(time, 'clock') else time.time\n"
        "also = hasattr(time, 'clock') and time.clock\nlast = [time.clock for _ in ()]\n"
        "late = lambda: time.clock()\ndef f():\n    time.clock()\n"
    },
    "given back by the app": {
        "app.py": f"import inspect\ninspect.getargspec = inspect.getfullargspec\n"
        f"import collections\nsetattr(collections, 'Mapping', dict)\nimport flask\n{APP}",
        "*flask/__init__.py": "from inspect import getargspec\nimport collections\n"
        "class Flask(collections.Mapping):\n    pass\n",
    },
    "another module of that name": {
        "app.py": f"{APP}from flask import asyncio\nclass A(asyncio.coroutine):\n    pass\n",
        "*flask/asyncio.py": "coroutine = object\n",
    },
}


@pytest.mark.parametrize(("files", "what", "remedy"), OUTDATED.values(), ids=OUTDATED)
def test_code_for_an_older_python_is_told_with_its_line_and_what_to_do(
    phases: Phases, installed: Path, start: Start, files: dict[str, str], what: str, remedy: str
) -> None:
    place(phases, installed, files)
    phases.env.update(telling(python_version=PYTHON))
    ran = phases.build(start)
    assert ran.fault is not None, ran.out
    assert ran.fault.what.startswith(f"web cannot start: {what}")
    assert remedy in (ran.fault.remedy or "")


@pytest.mark.parametrize("files", NOT_OUTDATED.values(), ids=NOT_OUTDATED)
def test_code_that_an_older_python_may_have_run_otherwise_passes(
    phases: Phases, installed: Path, start: Start, files: dict[str, str]
) -> None:
    place(phases, installed, files)
    phases.env.update(telling(python_version=PYTHON))
    ran = phases.build(start)
    assert (ran.code, ran.err) == (0, ""), ran.fault


def test_an_older_python_runs_what_a_newer_one_has_lost(
    phases: Phases, installed: Path, start: Start
) -> None:
    place(phases, installed, OUTDATED["a method's decorator"][0])
    phases.env.update(telling(python_version="3.10.12"))
    assert phases.build(start).fault is None


def test_an_app_without_any_package_is_told_what_it_imports(phases: Phases, start: Start) -> None:
    """What Debian has for Python itself is there."""
    own = phases.app.parent / "buildpacks" / "cnbkit_start" / "0.1.0"
    own.mkdir(parents=True)
    phases.env["CNB_BUILDPACK_DIR"] = str(own)
    write(Path(start.system) / "usr/lib/python3/dist-packages/apt_pkg.so", "")
    add(phases, {"app.py": "import os, apt_pkg\nimport yaml\n"})
    ran = phases.build(start)
    assert ran.fault is not None, ran.out
    assert ran.fault.what == "web cannot start: app.py:2 imports yaml, which no package has"
    assert "add `pyyaml` to the dependencies" in (ran.fault.remedy or "")
    (Path(start.system) / "usr/share/cnbkit/run-image/status").unlink()
    assert phases.build(start).fault is None


INLINE = """# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "requests<3",
#   "yarl",
# ]
# ///
"""


@pytest.mark.parametrize(
    ("code", "change"),
    [
        (f"{INLINE}import requests\n", "write it into requirements.txt, `requests<3`, `yarl`"),
        (f"{INLINE}import yarl\n", "write it into requirements.txt, `requests<3`, `yarl`"),
        # A block without an end is none, and one that is not TOML lists nothing.
        (f"{INLINE[:-6]}import requests\n", "add `requests` to the dependencies"),
        (f"{INLINE.replace('[', '(')}import requests\n", "add `requests` to the dependencies"),
    ],
)
def test_a_script_that_lists_its_packages_itself_is_told_where_to_write_them(
    phases: Phases, start: Start, code: str, change: str
) -> None:
    own = phases.app.parent / "buildpacks" / "cnbkit_start" / "0.1.0"
    own.mkdir(parents=True)
    phases.env["CNB_BUILDPACK_DIR"] = str(own)
    add(phases, {"main.py": code})
    phases.detect(start)
    ran = phases.build(start)
    assert ran.fault is not None, ran.out
    assert change in (ran.fault.remedy or "")


def test_what_stands_behind_much_code_of_packages_is_found(
    phases: Phases, installed: Path, start: Start
) -> None:
    site = installed / "prefix/lib/python3.13/site-packages"
    chain = [f"flask/m{number}.py" for number in range(20)]
    write(site / "flask/__init__.py", "from . import m0\nFlask = str\n")
    for number, name in enumerate(chain):
        follow = f"from . import m{number + 1}" if name != chain[-1] else IZIP
        write(site / name, "# code\n" * 8000 + follow)
    add(phases, {"Procfile": "web: gunicorn app:app\n", "app.py": APP})
    phases.env.update(telling(python_version=PYTHON))
    ran = phases.build(start)
    assert ran.fault is not None, ran.out
    assert "imports izip from itertools" in ran.fault.what


def place(phases: Phases, installed: Path, files: dict[str, str]) -> None:
    """An app with its process; `*` stands before files of packages."""
    site = installed / "prefix/lib/python3.13/site-packages"
    for name, text in files.items():
        write((site if name.startswith("*") else phases.app) / name.lstrip("*"), text)
    add(phases, {"Procfile": "web: gunicorn app:app\n"})


# A name that goes with a later version warns as long as it is there.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_names_that_python_has_lost_are_those_that_this_python_lacks() -> None:
    """And what is named in their place is there."""
    from cnbkit_start.check.lost_names import _LOST

    lacking = 0
    for since, module, names, instead in _LOST:
        found = importlib.import_module(module)
        for name in names:
            there = hasattr(found, name) or bool(
                hasattr(found, "__path__") and find_spec(f"{module}.{name}")
            )
            assert there == (sys.version_info[:2] < since), f"{module}.{name}"
            lacking += not there
        for each in re.findall(r"[a-z]+(?:\.\w+)+", instead):
            assert pkgutil.resolve_name(each.replace("str.", "builtins:str."))
    assert lacking > 50
    for name in _OF_PYTHON_2:
        assert not find_spec(name)
        place = _OF_PYTHON_2[name]
        top = place.partition(".")[0]
        assert top in sys.stdlib_module_names
        if find_spec(top):  # Debian's python3 is without tkinter
            importlib.import_module(place)


def test_modules_that_python_has_lost_are_those_that_this_python_lacks() -> None:
    """Compared with the one that runs the tests: of others nobody here can say."""
    from cnbkit_start.check.standard import _LOST

    for name in _LOST:
        assert is_standard(name, PYTHON) == (name in sys.stdlib_module_names), name
    assert {"json", "tomllib"} <= {
        name for name in sys.stdlib_module_names if is_standard(name, "")
    }


@pytest.mark.parametrize("name", ["pytest", "hypothesis", "pydantic", "jinja2", "mkdocs"])
def test_packages_that_go_together_are_not_told(tmp_path: Path, name: str) -> None:
    """Those of this interpreter, which imports them."""
    importlib.import_module(name)
    write(tmp_path / "app.py", f"import {name}\n")
    site = sysconfig.get_path("purelib")
    image = SimpleNamespace(
        sites=[site],
        has_module=lambda top: bool(find_spec(top)),
        lost=lambda top: is_lost(top, PYTHON) and not find_spec(top),
    )
    found = mismatch(["app.py"], [""], image, App(str(tmp_path)), main=False, python=PYTHON)
    assert found is None, found.what


def test_what_the_app_itself_imports_from_another_release_is_told(
    phases: Phases, installed: Path, start: Start
) -> None:
    releases(installed, {"flask/app.py": ""})
    add(phases, {"Procfile": "web: gunicorn app:app\n"})
    add(phases, {"app.py": f"{APP}from werkzeug import secure_filename\n"})
    ran = phases.build(start)
    assert ran.fault is not None, ran.out
    assert ran.fault.what == (
        "web cannot start: app.py:3 imports secure_filename from werkzeug, and werkzeug 3.1.9 has "
        "no such name"
    )
    assert "add `werkzeug<3` to the dependencies, or change the import" in (ran.fault.remedy or "")


def test_modules_that_a_pth_file_names_are_there(
    phases: Phases, installed: Path, start: Start
) -> None:
    add(phases, {"Procfile": "web: python main.py\n", "main.py": "import shop\n"})
    assert phases.build(start).code == 65
    site = installed / "lib/python3.13/site-packages"
    write(site / "lib.pth", f"# where\n{installed}/elsewhere\n")
    write(installed / "elsewhere/shop.py", "")
    assert phases.build(start).code == 0
    write(installed / "elsewhere/shop.py", "")
    (installed / "elsewhere/shop.py").rename(installed / "elsewhere/other.py")
    assert phases.build(start).code == 65
    # Of an editable project code says where its modules are.
    write(site / "__editable__.shop.pth", "import __editable___shop_finder\n")
    assert phases.build(start).code == 0


def test_of_other_processes_it_is_a_warning(phases: Phases, installed: Path, start: Start) -> None:
    assert installed.is_dir()
    add(phases, {"Procfile": "web: gunicorn app:app\nworker: celery -A app worker\n"})
    add(phases, {"app.py": APP})
    ran = phases.build(start)
    assert ran.code == 0, ran.fault
    assert "worker (Procfile:2) cannot start: the image has no program celery" in ran.err
    # Another image starts it.
    phases.env["BP_DEFAULT_PROCESS"] = "worker"
    assert phases.build(start).code == 65


def test_a_procfile_and_requirements_as_powershell_writes_them_are_read(
    phases: Phases, installed: Path, start: Start
) -> None:
    assert installed.is_dir()
    add(phases, {"app.py": APP})
    (phases.app / "requirements.txt").write_bytes("flask\r\ngunicorn\r\n".encode("utf-16"))
    (phases.app / "Procfile").write_bytes("web: gunicorn app:app\r\n".encode("utf-16"))
    for ran in (phases.detect(start), phases.build(start)):
        assert (ran.code, ran.err) == (0, ""), ran.fault


def test_a_process_for_tests_is_not_judged_in_production(
    phases: Phases, installed: Path, start: Start
) -> None:
    assert installed.is_dir()
    add(phases, {"app.py": "print(1)\n", "requirements.txt": ""})
    add(phases, {"entrypoint.toml": 'a = {command = "pytest", exec-env = ["test"]}\n'})
    assert phases.build(start).err == ""
    phases.env["CNB_EXEC_ENV"] = "test"
    assert "the image has no program pytest" in phases.build(start).err


def test_layers_of_the_previous_image_alone_are_remembered(
    phases: Phases, installed: Path, start: Start
) -> None:
    add(phases, {"Procfile": "web: gunicorn app:app\n", "app.py": APP})
    assert phases.build(start).code == 0
    shutil.rmtree(installed)
    assert phases.build(start).code == 0
    phases.write("Procfile", "web: daphne app:app\n")
    assert phases.build(start).fault is not None
    # With other contents, nobody knows.
    toml = installed.with_name("site.toml")
    toml.write_text(toml.read_text().replace('"1"', '"2"'))
    ran = phases.build(start)
    assert (ran.code, ran.err) == (0, "")


def test_another_builders_run_image_may_have_any_program(
    phases: Phases, installed: Path, start: Start, tmp_path: Path
) -> None:
    assert installed.is_dir()
    (tmp_path / "system/usr/share/cnbkit/run-image/status").unlink()
    add(phases, {"Procfile": "web: nginx\n"})
    assert phases.build(start).code == 0


@pytest.mark.parametrize(
    ("files", "env"),
    [
        ({".cnbkit/pre-build": ""}, {}),
        ({".cnbkit/post-build": ""}, {}),
        ({"weights.toml": ""}, {}),
        ({}, {"BP_PRE_BUILD": "make.sh"}),
        ({}, {"CNB_BUILDPACK_DIR": "/nowhere/1"}),
    ],
)
def test_where_the_build_may_add_files_it_waits_for_them(
    phases: Phases, installed: Path, start: Start, files: dict[str, str], env: dict[str, str]
) -> None:
    assert installed.is_dir()
    add(phases, {"Procfile": "web: python made.py\n", **files})
    phases.env.update(env)
    assert phases.detect(start).code == 0
    assert phases.build(start).code == 65
    add(phases, {"made.py": ""})
    assert phases.build(start).code == 0


@pytest.mark.parametrize(
    "files",
    [
        {"requirements.txt": "-e ./lib\n"},
        {"requirements.txt": "web @ https://example.com/web.whl\n"},
        {"setup.py": ""},
        {"environment.yml": "dependencies: []\n"},
        {"pyproject.toml": '[project]\nname = "x"\ndynamic = ["dependencies"]\n'},
    ],
)
def test_packages_that_are_not_known_yet_may_tell_what_starts(
    phases: Phases, installed: Path, start: Start, files: dict[str, str]
) -> None:
    assert installed.is_dir()
    add(phases, {**files, "nb.ipynb": "{}"})
    assert phases.detect(start).code == 0
    assert phases.build(start).code == 65
    packages = phases.app.parent / "packages.json"
    packages.write_text('[{"name": "voila", "version": "1"}]')
    phases.env |= telling(packages=str(packages))
    phases.env["BP_START_CHECK"] = "off"
    assert "web: voila" in phases.build(start).out


def test_python_input_makes_it_join(phases: Phases) -> None:
    phases.write("deps.txt", "flask\ngunicorn\n")
    phases.write("wsgi.py", APP)
    assert phases.detect(Start()).code == 100
    phases.env["BP_PYTHON_INPUT"] = "deps.txt"
    ran = phases.detect(Start())
    assert (ran.code, "join: found BP_PYTHON_INPUT" in ran.out) == (0, True)
    assert "web: gunicorn" in phases.build(Start()).out


@pytest.mark.parametrize(
    ("line", "commands"),
    [
        ("a b", [["a", "b"]]),
        ("a 'b c' \"d e\" f\\ g", [["a", "b c", "d e", "f g"]]),
        ("X=1 Y='2 3' a", [["X=1", "Y=2 3", "a"]]),
        ("X=1; a", [["a"]]),
        ("a && b; c | d & e", [["a"], ["b"], ["c"], ["d"], ["e"]]),
        ("a || b && c", [["a"]]),
        ("a >x 2>&1 <y b &>z", [["a", "b"]]),
        ("a $X/b ${Y:-c d} $(e f) `g`", [["a", f"{UNKNOWN}/b", UNKNOWN, UNKNOWN, UNKNOWN]]),
        ('a "$X b"', [["a", f"{UNKNOWN} b"]]),
        ("a # b", [["a"]]),
        ("if a; then b; fi", None),
        ("(a)", None),
        ("f() { a; }", None),
        ("a <<X", None),
        ("a 'b", None),
        ('a "b', None),
        ("a ${b", None),
    ],
)
def test_a_line_for_a_shell_is_cut_into_commands(
    line: str, commands: list[list[str]] | None
) -> None:
    assert simple_commands(line) == commands


@given(st.text(alphabet="ab '\"\\$(){};&|<>#`=*\n", max_size=30))
def test_any_line_is_read_to_its_end(line: str) -> None:
    found = simple_commands(line)
    assert found is None or all(found)


@given(st.binary(max_size=60) | st.text(alphabet="ab=():\n @#'\"{}[]", max_size=60).map(str.encode))
def test_any_code_can_be_asked(data: bytes) -> None:
    code = Code(data, "x.py")
    assert code.defines("a") in (True, False, None)
    assert isinstance(code.made_by("a")[1], int)
    assert code.only_defines in (True, False)


def test_of_code_for_a_newer_python_the_rest_is_read() -> None:
    text = b"import fastapi\nx = 1 2 3\n\n@a\nclass B:\n  pass\napp = fastapi.FastAPI(\n  x=1,\n)\n"
    code = Code(text, "x.py")
    assert not code.known
    assert code.imports("fastapi")
    assert code.made_by("FastAPI") == ("app", 7)
    assert code.decorated("a") == ("B", 4)
    assert code.defines("other") is None


@pytest.mark.parametrize(
    ("files", "python", "told"),
    [
        (
            {"old/__init__.py": "import os\nimport pkg_resources\n"},
            "3.11.2",
            "old imports pkg_resources, which setuptools has no more since 82",
        ),
        (
            {"old.py": "from pkg_resources import get_distribution\n"},
            "3.13.1",
            "add `setuptools<82` to the dependencies",
        ),
        ({"old.py": "import pkg_resources\n", "pkg_resources/__init__.py": ""}, "3.13.1", ""),
        ({"old.py": "try:\n    import pkg_resources\nexcept ImportError: pass\n"}, "3.13.1", ""),
        ({"old.py": "def f():\n    import pkg_resources\n"}, "3.13.1", ""),
        ({"old.py": "text = 'import pkg_resources'\n"}, "3.13.1", ""),
        (
            {"old.py": "from distutils.version import LooseVersion\n"},
            "3.12.0",
            "old imports distutils, which Python has no more since 3.12: add `setuptools`",
        ),
        ({"old.py": "import distutils\n"}, "3.11.2", ""),
        ({"old.py": "import distutils\n", "_distutils_hack/__init__.py": ""}, "3.12.0", ""),
    ],
)
def test_what_newer_versions_have_no_more_is_named_with_the_package_that_needs_it(
    phases: Phases, installed: Path, start: Start, files: dict[str, str], python: str, told: str
) -> None:
    for name, text in files.items():
        write(installed / "prefix/lib/python3.13/site-packages" / name, text)
    add(phases, {"app.py": "print(1)\n"})
    phases.env |= telling(python="/usr/bin/python3", python_version=python)
    ran = phases.build(start)
    assert ran.code == 0, ran.fault
    assert (told in ran.err) if told else ran.err == ""
    # Also where the layer is the previous image's alone.
    shutil.rmtree(installed)
    assert phases.build(start).err == ran.err


def test_detect_already_says_the_processes_that_build_makes(phases: Phases) -> None:
    phases.write("requirements.txt", "flask\ngunicorn\n")
    phases.write("app.py", APP)
    phases.write("Procfile", "worker: python3 app.py\n")
    said = phases.detect(Start()).out
    made = phases.build(Start()).out
    notes = [line for line in made.splitlines() if line.startswith(("  web: ", "  worker: "))]
    assert len(notes) == 2
    assert [line for line in said.splitlines() if "join: " not in line] == notes


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("BP_PYTHON_GROUPS", "web"),
        ("BP_PROCESS_GROUPS", "web:serve"),
        ("pyproject.toml", "[tool.cnbkit.process-groups]\nweb = []\n"),
        ("project.toml", "[tool.cnbkit.process-groups]\nweb = []\n"),
        ("setup.py", "from setuptools import setup\nsetup()\n"),
    ],
)
def test_detect_does_not_say_processes_that_the_build_may_change(
    phases: Phases, name: str, text: str
) -> None:
    phases.write("app.py", "print(1)\n")
    assert "  web: python3 app.py" in phases.detect(Start()).out
    if name.startswith("BP_"):
        phases.env[name] = text
    else:
        phases.write(name, text)
    ran = phases.detect(Start())
    assert (ran.code, "web: " in ran.out) == (0, False)

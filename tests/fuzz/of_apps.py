"""Files of an app that a buildpack reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.markers import default_environment
from packaging.tags import sys_tags

from cnbkit import Model, field
from cnbkit.app_document import read_document
from cnbkit_apt import Apt
from cnbkit_binder import Binder
from cnbkit_conda import Conda
from cnbkit_exposed import exposed
from cnbkit_hardware import Hardware
from cnbkit_hooks.hook import Hook
from cnbkit_labels import Labels
from cnbkit_logins.files import logins_taken_out
from cnbkit_pdm import Pdm
from cnbkit_pip import Pip
from cnbkit_pip.diagnosis.mistakes import misnamed, unreadable
from cnbkit_pip.diagnosis.stated import Stated
from cnbkit_pipenv import Pipenv
from cnbkit_poetry import Poetry
from cnbkit_python import Python
from cnbkit_python_inputs.lock import read_entries, select
from cnbkit_python_inputs.requirements import Requirements
from cnbkit_python_inputs.target import TargetEnvironment
from cnbkit_start import Start
from cnbkit_uv import Uv
from cnbkit_weights import Weights

from .lab import Format, Lab, phases

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FORMATS"]

PYPROJECT = (
    '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.11"\n'
    'dependencies = ["six==1.17.0"]\n'
)
_TARGET = TargetEnvironment(default_environment(), list(sys_tags()))
_PROJECT = {"pyproject.toml": PYPROJECT}
_SIX = {"requirements.txt": "six\n"}
_HEAD = "ref: refs/heads/main\n"


def _requirements(lab: Lab) -> None:
    ctx = lab.context()
    found = Requirements.read(ctx, ["requirements.txt"])
    stated = Stated(found, str(lab.app), _TARGET)
    stated.options()
    stated.limits()
    stated.indexed()
    exposed(found.files)
    for line in found.lines():
        if not unreadable(line, str(lab.app)):
            misnamed(line)
    phases(Pip, "requirements.txt")(lab)


def _pylock(lab: Lab) -> None:
    document = read_entries(f"{lab.app}/pylock.toml", "pylock.toml")
    for package in select(document, _TARGET, "pylock.toml"):
        assert package.identity()
        assert package.size >= 0
    phases(Pip, "pylock.toml")(lab)


def _logins(lab: Lab) -> None:
    with logins_taken_out(str(lab.app), of_files=True):
        pass


class _Document(Model, extra="ignore"):
    a: int
    b: list[str] = field(default_factory=list)


def _app_document(name: str) -> Callable[[Lab], object]:
    return lambda lab: read_document(lab.context().app.text(name), name, _Document)


def _hook(lab: Lab) -> None:
    # Its declarations; it is never run.
    hook = Hook.read(lab.context(), "hook", executable=True, shell=True)
    hook.env_texts()
    hook.input_digests()


FORMATS = (
    Format("requirements.txt", _requirements),
    Format("pylock.toml", _pylock),
    Format("pyproject.toml", phases(Pip, "pyproject.toml")),
    Format("uv.lock", phases(Uv), _PROJECT),
    Format("poetry.lock", phases(Poetry), _PROJECT),
    Format("pdm.lock", phases(Pdm), _PROJECT),
    Format("Pipfile", phases(Pipenv)),
    Format("Pipfile.lock", phases(Pipenv), {"Pipfile": "[packages]\nsix = '*'\n"}),
    Format("environment.yml", phases(Conda)),
    Format("conda-lock.yml", phases(Conda)),
    Format("pixi.lock", phases(Conda)),
    Format("conda-list", phases(Conda, BP_CONDA_INPUT="list.txt"), place="list.txt"),
    Format(".python-version", phases(Python), _SIX),
    Format("runtime.txt", phases(Python), _SIX),
    Format(".tool-versions", phases(Python), _SIX),
    Format("mise.toml", phases(Python), _SIX),
    Format("python-of-a-lock", phases(Python), _PROJECT, "poetry.lock"),
    Format("Procfile", phases(Start), _SIX),
    Format("app.py", phases(Start), {"requirements.txt": "flask\ngunicorn\n"}),
    Format("notebook-of-a-bento", phases(Start), _SIX, "bentofile.yaml"),
    Format("start-in-pyproject", phases(Start), place="pyproject.toml"),
    Format("hardware.txt", phases(Hardware), _SIX),
    Format("Aptfile", phases(Apt)),
    Format("project.toml", phases(Apt)),
    Format("business-tags.yaml", phases(Labels)),
    Format("git-config", phases(Labels), {".git/HEAD": _HEAD}, ".git/config"),
    Format("git-refs", phases(Labels), {".git/HEAD": _HEAD}, ".git/packed-refs"),
    Format("weights.toml", phases(Weights)),
    Format("binder-environment", phases(Binder), place="binder/environment.yml"),
    Format("binder-runtime", phases(Binder), _SIX, "binder/runtime.txt"),
    Format("binder-apt", phases(Apt, BP_APT_INPUT="binder/apt.txt"), place="binder/apt.txt"),
    Format("hook", _hook),
    Format("setup.cfg", _logins),
    Format("setup.py", _logins),
    *(
        Format(name, _app_document(name))
        for name in ("own.toml", "own.yaml", "own.json", "own.ini")
    ),
)

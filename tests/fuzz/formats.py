"""One target for each file of an app that a buildpack reads: what reads it, without any program."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from packaging.markers import default_environment
from packaging.tags import sys_tags

from cnbkit import BuildContext, runtime
from cnbkit.log import Log
from cnbkit_apt import Apt
from cnbkit_conda import Conda
from cnbkit_exposed import exposed
from cnbkit_hardware import Hardware
from cnbkit_labels import Labels
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

from ..buildpacks.told import telling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cnbkit import Buildpack

__all__ = ["FORMATS", "Format", "Lab", "corpus"]

CORPUS = Path(__file__).parent / "corpus"
PYPROJECT = (
    '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.11"\n'
    'dependencies = ["six==1.17.0"]\n'
)


class Lab:
    """Folders as a buildpack gets them, for one input after the other.

    Args:
        root: an empty folder.
    """

    def __init__(self, root: Path) -> None:
        self.app, self.layers, self._root = root / "app", root / "layers", root
        for each in ("app", "layers", "platform/env", "nothing", "buildpack"):
            (root / each).mkdir(parents=True)
        (root / "plan.toml").write_text("")
        self.env = {
            # No program is found: a target is about reading.
            "PATH": str(root / "nothing"),
            "CNB_PLATFORM_DIR": str(root / "platform"),
            "CNB_BUILD_PLAN_PATH": str(root / "build-plan.toml"),
            "CNB_BP_PLAN_PATH": str(root / "plan.toml"),
            "CNB_LAYERS_DIR": str(self.layers),
            "CNB_TARGET_OS": "linux",
            "CNB_TARGET_ARCH": "amd64",
            **telling(python=f"{root}/nothing/python3", python_version="3.11.2"),
        }

    def context(self) -> BuildContext:
        """One for code below a buildpack."""
        return BuildContext(
            app=str(self.app),
            env=self.env,
            buildpack=str(self._root / "buildpack"),
            platform=str(self._root / "platform"),
            layers=str(self.layers),
            plan="",
            log=Log(),
        )


class Format(NamedTuple):
    """A file, what else is in the app, and what reads it."""

    file: str
    read: Callable[[Lab], None]
    beside: Mapping[str, str] = {}


def _phases(buildpack: type[Buildpack], *inputs: str) -> Callable[[Lab], None]:
    """Both phases, as the lifecycle would run them."""

    def run(lab: Lab) -> None:
        os.chdir(lab.app)
        given = lab.env | (telling(lab.env, inputs=[*inputs]) if inputs else {})
        if runtime.detect(buildpack(), given) == 0:
            runtime.build(buildpack(), given)

    return run


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
    _phases(Pip, "requirements.txt")(lab)


def _pylock(lab: Lab) -> None:
    document = read_entries(f"{lab.app}/pylock.toml", "pylock.toml")
    for package in select(document, _TARGET, "pylock.toml"):
        assert package.identity()
        assert package.size >= 0
    _phases(Pip, "pylock.toml")(lab)


_TARGET = TargetEnvironment(default_environment(), list(sys_tags()))
_PROJECT = {"pyproject.toml": PYPROJECT}

FORMATS = {
    each.file: each
    for each in (
        Format("requirements.txt", _requirements),
        Format("pylock.toml", _pylock),
        Format("pyproject.toml", _phases(Pip, "pyproject.toml")),
        Format("uv.lock", _phases(Uv), _PROJECT),
        Format("poetry.lock", _phases(Poetry), _PROJECT),
        Format("pdm.lock", _phases(Pdm), _PROJECT),
        Format("Pipfile", _phases(Pipenv)),
        Format("Pipfile.lock", _phases(Pipenv), {"Pipfile": "[packages]\nsix = '*'\n"}),
        Format("environment.yml", _phases(Conda)),
        Format("conda-lock.yml", _phases(Conda)),
        Format("pixi.lock", _phases(Conda)),
        Format(".python-version", _phases(Python), {"requirements.txt": "six\n"}),
        Format("runtime.txt", _phases(Python), {"requirements.txt": "six\n"}),
        Format("Procfile", _phases(Start), {"requirements.txt": "six\n"}),
        Format("hardware.txt", _phases(Hardware), {"requirements.txt": "six\n"}),
        Format("Aptfile", _phases(Apt)),
        Format("project.toml", _phases(Apt)),
        Format("business-tags.yaml", _phases(Labels)),
        Format("weights.toml", _phases(Weights)),
    )
}


def corpus(file: str) -> list[bytes]:
    """Inputs to begin with: right ones, and such that once were read wrongly."""
    return [path.read_bytes() for path in sorted((CORPUS / file.lstrip(".")).iterdir())]

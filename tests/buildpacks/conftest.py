"""Runs a buildpack's phases in this process, as the lifecycle would."""

from __future__ import annotations

import inspect
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import cnbkit
from cnbkit import CnbkitError, runtime
from cnbkit.testing import restore

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnbkit import Buildpack
    from cnbkit.testing import Result


class Ran(NamedTuple):
    """What one phase did."""

    code: int
    fault: CnbkitError | None
    out: str
    err: str
    layers: Path
    plan: dict[str, Any]
    launch: dict[str, Any]


class Phases:
    """An app directory and what the lifecycle gives beside it.

    Attributes:
        app: the app's directory, the working directory as well.
        env: the process's environment; tests add BP_* variables.
        layers: where layers, launch.toml and store.toml end up.
    """

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.app = root / "app"
        self.layers = root / "layers"
        self._plan = root / "plan.toml"
        self._buildpack_plan = root / "buildpack-plan.toml"
        self._capsys = capsys
        for directory in (self.app, self.layers, root / "platform" / "env", root / "tmp"):
            directory.mkdir(parents=True)
        self.env = {
            "PATH": "/usr/bin:/bin",
            "TMPDIR": str(root / "tmp"),
            "CNB_PLATFORM_DIR": str(root / "platform"),
            "CNB_BUILD_PLAN_PATH": str(self._plan),
            "CNB_BP_PLAN_PATH": str(self._buildpack_plan),
            "CNB_LAYERS_DIR": str(self.layers),
            "CNB_TARGET_OS": "linux",
            "CNB_TARGET_ARCH": "amd64",
        }

    def write(self, name: str, content: str | bytes) -> None:
        """Put a file into the app."""
        data = content.encode() if isinstance(content, str) else content
        (self.app / name).write_bytes(data)

    def detect(self, buildpack: Buildpack) -> Ran:
        """Run bin/detect."""
        self._plan.write_text("")
        return self._run(runtime.detect, buildpack)

    def build(self, buildpack: Buildpack, *, plan: str = "") -> Ran:
        """Run bin/build.

        Args:
            buildpack: what to run.
            plan: the buildpack plan's text.
        """
        self._buildpack_plan.write_text(plan)
        if any("[types]" in toml.read_text() for toml in self.layers.glob("*.toml")):
            self._restore()  # as the lifecycle does it before each rebuild
        return self._run(runtime.build, buildpack)

    def _restore(self) -> None:
        before = self.layers.rename(self.layers.with_name("layers-before"))
        restore(before, self.layers)
        shutil.rmtree(before)

    def _run(self, run: Any, buildpack: Buildpack) -> Ran:
        self._capsys.readouterr()
        (self.layers / "launch.toml").unlink(missing_ok=True)
        fault = None
        try:
            code = run(buildpack, self.env)
        except CnbkitError as error:
            # What the outermost frame of `main` does with it.
            fault, code = error, error.exit_code
        shown = self._capsys.readouterr()
        return Ran(
            code=code,
            fault=fault,
            out=shown.out,
            err=shown.err,
            layers=self.layers,
            plan=_toml(self._plan),
            launch=_toml(self.layers / "launch.toml"),
        )


@pytest.fixture
def phases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Phases:
    """A fresh app, and the phases to run on it."""
    made = Phases(tmp_path, capsys)
    monkeypatch.chdir(made.app)
    return made


class Published(NamedTuple):
    """A package on this machine's default index: the index's address, and its wheel's."""

    simple: str
    wheel: str


@pytest.fixture(scope="session")
def published_six(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Where `six` 1.17.0 is: no address of an index stands in these files."""
    project = tmp_path_factory.mktemp("six")
    (project / "pyproject.toml").write_text(
        '[project]\nname = "demo"\nversion = "1"\ndependencies = ["six==1.17.0"]\n'
        'requires-python = ">=3.11"\n'
    )
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "lock", "--quiet", "--python", sys.executable], cwd=project, check=True)
    six = next(each for each in _toml(project / "uv.lock")["package"] if each["name"] == "six")
    return Published(simple=six["source"]["registry"], wheel=six["wheels"][0]["url"])


@pytest.fixture(scope="session")
def eggs_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository with the project `eggs` 2.0 in its folder `py`."""
    root = tmp_path_factory.mktemp("eggs")
    (root / "py").mkdir()
    (root / "py" / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\n'
        'build-backend = "setuptools.build_meta"\n'
        '[project]\nname = "eggs"\nversion = "2.0"\n'
    )
    git = ("git", "-c", "user.name=T", "-c", "user.email=t@example.com")
    for arguments in (("init", "-qb", "main"), ("add", "."), ("commit", "-qm", "eggs")):
        subprocess.run([*git, *arguments], cwd=root, check=True)
    return root


_BUILD = """
import os, sys
module, name, *sys.path[:0] = sys.argv[1:]
from cnbkit.runtime import build
buildpack = getattr(__import__(module), name)()
build(buildpack, os.environ, identity="x 1.2.3")
print("imported", *sys.modules)
"""


class Unchanged(NamedTuple):
    """A build that has nothing to do."""

    log: str
    imported: set[str]


@pytest.fixture
def unchanged_build() -> Callable[[type[Buildpack], Result], Unchanged]:
    """Builds once more, in a process of its own, with the layers of a result restored."""
    return _unchanged_build


def _unchanged_build(buildpack: type[Buildpack], result: Result) -> Unchanged:
    layers = result.app.parent / "again"
    restore(result.layers_dir, layers)
    folder = Path(inspect.getfile(buildpack)).parents[1]
    path = (
        *(str(folder), str(folder.parent / "common"), str(Path(cnbkit.__file__).parents[1])),
        sysconfig.get_path("purelib"),
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", _BUILD, *_named(buildpack), *path],
        cwd=result.app,
        env={
            "CNB_PLATFORM_DIR": str(result.app.parent / "platform"),
            "CNB_BP_PLAN_PATH": str(result.app.parent / "buildpack-plan.toml"),
            "CNB_LAYERS_DIR": str(layers),
            "CNB_TARGET_OS": "linux",
            "CNB_TARGET_ARCH": "amd64",
            **{
                each.name: each.read_text()
                for each in (result.app.parent / "platform" / "env").iterdir()
            },
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    log, _, modules = done.stdout.rpartition("imported")
    return Unchanged(log=log, imported={*modules.split()})


def _named(buildpack: type[Buildpack]) -> tuple[str, str]:
    return buildpack.__module__, buildpack.__name__


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

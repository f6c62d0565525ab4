"""One project installed twice: by its own tool into a plain environment, and by our buildpacks.

The tool is the oracle: what it installs, name and version, is what the image has to have. The
buildpacks run in this process, in their order, each with the environment that the earlier ones
give; only the tools themselves are programs.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from cnbkit.layer.env import LayerEnv
from cnbkit.runtime import guarded
from cnbkit.testing.inputs import write_files

from ..buildpacks.told import telling
from ..fetching import trust

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cnbkit import Buildpack
    from cnbkit.testing.inputs import Files

__all__ = ["PIP", "Buildpacks", "Case", "Outcome", "in_folder", "pip_install", "plain", "prepared"]

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent
_PROXIES = ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")
_VERSION = ".".join(map(str, sys.version_info[:3]))
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Packages that tools bring for themselves into an environment.
_OF_TOOLS = ("pip", "setuptools", "wheel")
_LIST = (
    "import importlib.metadata as m, json, re;"
    "print(json.dumps({re.sub(r'[-_.]+', '-', d.metadata['Name']).lower(): d.version"
    " for d in m.distributions()}))"
)
# `pip` of this machine's tools, at work on the plain environment.
PIP = ("{tools}/python", "-m", "pip", "--python", "{venv}", "--quiet", "--no-input")


def pip_install(*arguments: str) -> tuple[tuple[str, ...], ...]:
    """`pip install`, the own tool of requirements files."""
    return ((*PIP, "install", *arguments),)


def in_folder(folder: str, *commands: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The same commands, run in a folder of the app."""
    enter = 'PATH={tools}:$PATH; cd "$0" && exec "$@"'
    return tuple(("sh", "-c", enter, f"{{app}}/{folder}", *command) for command in commands)


@dataclass(frozen=True)
class Case:
    """A project and the command that installs it.

    Args:
        name: what is special about it; the test's id.
        files: the app, by name. In texts `{app}` is the folder of the copy that is installed.
        own: commands of the tool the input belongs to, run in the app with a plain environment
            active. `{venv}`, `{python}`, `{tools}`, `{app}` are filled in.
        lock: commands that complete the app before both get it, such as `uv lock`.
        buildpacks: folders below `buildpacks/`, in order.
        env: variables the user sets for our build, BP_* for instance.
        own_env: variables that say the same to the own tool.
        exec_env: what our build is for.
        refused: both sides have to end with an error, ours with the user's fault.
    """

    name: str
    files: Files
    own: Sequence[Sequence[str]]
    lock: Sequence[Sequence[str]] = ()
    buildpacks: Sequence[str] = ("python", "pip")
    env: Mapping[str, str] = field(default_factory=dict)
    own_env: Mapping[str, str] = field(default_factory=dict)
    exec_env: str = "production"
    refused: bool = False


@dataclass(frozen=True)
class Outcome:
    """What one side did.

    Attributes:
        code: exit status; 0 if it installed.
        packages: name → version, of what an interpreter of the environment finds.
        log: what was printed.
    """

    code: int
    packages: Mapping[str, str]
    log: str


def prepared(case: Case, folder: Path, values: Mapping[str, str] | None = None) -> Path:
    """Write the app, and complete it with the case's `lock` commands.

    Args:
        case: the project.
        folder: an empty or missing directory.
        values: more to fill into commands and files, as `{name}`.
    """
    write_files(folder, case.files)
    for command in case.lock:
        done = _run(command, folder, {**os.environ, **case.own_env}, _values(folder, values))
        assert done.returncode == 0, done.stdout
    return folder


def plain(case: Case, app: Path, venv: Path, values: Mapping[str, str] | None = None) -> Outcome:
    """Install a copy of the app as its own tool does, into a new environment.

    Args:
        case: the project.
        app: its files, as `prepared` left them; stays as it is.
        venv: a path where nothing is yet.
        values: as in `prepared`.
    """
    own = venv.with_name(f"{venv.name}-app")
    _copy(case, app, own, values)
    # By the interpreter below this one: the tools' own packages must not be seen.
    base = Path(sysconfig.get_config_var("BINDIR")) / f"python{sysconfig.get_python_version()}"
    subprocess.run([base, "-m", "venv", "--without-pip", venv], check=True)
    env = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "VIRTUAL_ENV": str(venv),
        "PATH": f"{venv}/bin:{TOOLS}:{PATH}",
        "UV_PROJECT_ENVIRONMENT": str(venv),
        **case.own_env,
    }
    log = ""
    for command in case.own:
        filled = {**_values(own, values), "venv": str(venv), "python": f"{venv}/bin/python"}
        done = _run(command, own, env, filled)
        log += done.stdout
        if done.returncode:
            return Outcome(done.returncode, {}, log)
    return Outcome(0, _packages(venv / "bin" / "python", own), log)


class Buildpacks:
    """Our buildpacks with the programs they bring, to run in this process.

    Args:
        root: an empty directory.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._made: dict[str, tuple[Buildpack, Path]] = {}

    def build(
        self, case: Case, app: Path, folder: Path, values: Mapping[str, str] | None = None
    ) -> Outcome:
        """Build a copy of the app.

        Args:
            case: the project.
            app: its files, as `prepared` left them; stays as it is.
            folder: an empty or missing directory for copy, platform and layers.
            values: as in `prepared`.
        """
        own = folder / "app"
        _copy(case, app, own, values)
        given = {name: _filled(text, _values(own, values)) for name, text in case.env.items()}
        write_files(folder / "platform" / "env", given)
        (folder / "tmp").mkdir()
        env = {
            **{name: os.environ[name] for name in _PROXIES if name in os.environ},
            **trust(),
            "TMPDIR": str(folder / "tmp"),
            "PATH": PATH,
            "HOME": str(folder),
            **given,
        }
        log = ""
        for name in case.buildpacks:
            layers = folder / "layers" / name
            code, text = self._build_one(name, case, folder, env)
            log += text
            if code:
                return Outcome(code, {}, log)
            for toml in sorted(layers.glob("*.toml")):
                layer = toml.with_suffix("")
                if layer.is_dir():
                    env = LayerEnv.read(str(layer)).apply_layer(env, str(layer), phase="build")
            # The interpreter that runs this stands in for the run image's.
            env |= telling(env, python=sys.executable, python_version=_VERSION)
        python = folder / "layers" / "pip" / "site" / "venv" / "bin" / "python"
        return Outcome(0, _packages(python, own) if python.exists() else {}, log)

    def _build_one(
        self, name: str, case: Case, folder: Path, env: Mapping[str, str]
    ) -> tuple[int, str]:
        buildpack, place = self._buildpack(name)
        layers = folder / "layers" / name
        layers.mkdir(parents=True)
        plan = folder / "plan.toml"
        plan.touch()
        variables = {
            **env,
            "CNB_BUILDPACK_DIR": str(place),
            "CNB_PLATFORM_DIR": str(folder / "platform"),
            "CNB_BP_PLAN_PATH": str(plan),
            "CNB_LAYERS_DIR": str(layers),
            "CNB_TARGET_OS": "linux",
            "CNB_TARGET_ARCH": "amd64",
            "CNB_EXEC_ENV": case.exec_env,
        }
        log = io.StringIO()
        with (
            contextlib.chdir(folder / "app"),
            _environment(variables),
            mock.patch("cnbkit_python.base._RECORD", str(self._record())),
            contextlib.redirect_stdout(log),
            contextlib.redirect_stderr(log),
        ):
            code = guarded(buildpack, "build", variables, (), f"{name} 0")
        return code, log.getvalue()

    def _record(self) -> Path:
        """What tells the `python` buildpack which one the run image has."""
        path = self._root / "python-version"
        path.write_text(_VERSION)
        return path

    def _buildpack(self, name: str) -> tuple[Buildpack, Path]:
        if name not in self._made:
            source, place = ROOT / "buildpacks" / name, self._root / name
            (place / "lib" / "bin").mkdir(parents=True)
            for each in source.iterdir():
                (place / each.name).symlink_to(each)
            # Where a package of the buildpack has what its requirements.lock names.
            for each in Path(sysconfig.get_path("purelib")).iterdir():
                (place / "lib" / each.name).symlink_to(each)
            (place / "lib" / "bin" / "uv").symlink_to(TOOLS / "uv")
            descriptor = tomllib.loads((source / "buildpack.toml").read_text())
            module, _, attribute = descriptor["metadata"]["cnbkit"]["entry"].partition(":")
            self._made[name] = (getattr(importlib.import_module(module), attribute)(), place)
        return self._made[name]


def _copy(case: Case, app: Path, target: Path, values: Mapping[str, str] | None) -> None:
    shutil.copytree(app, target, symlinks=True)
    for name, content in case.files.items():
        if isinstance(content, str) and "{" in content and (app / name).read_text() == content:
            (target / name).write_text(_filled(content, _values(target, values)))


def _values(app: Path, values: Mapping[str, str] | None) -> dict[str, str]:
    return {"tools": str(TOOLS), "app": str(app), **(values or {})}


def _filled(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _run(
    command: Sequence[str], cwd: Path, env: Mapping[str, str], values: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    program, *arguments = (_filled(word, values) for word in command)
    found = TOOLS / program if (TOOLS / program).exists() else program
    return subprocess.run(
        [found, *arguments],
        cwd=cwd,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _packages(python: Path, app: Path) -> dict[str, str]:
    """What an interpreter finds, the environment's own tools left out."""
    done = subprocess.run([python, "-c", _LIST], cwd=app.parent, capture_output=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return {name: version for name, version in found.items() if name not in _OF_TOOLS}


@contextlib.contextmanager
def _environment(env: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(env)
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)

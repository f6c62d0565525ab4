"""Lock files of other tools: locked by the tool itself, built by the real lifecycle, and run."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .conftest import Project

PDM = "pdm[locked]==2.29.3"
APP = """
import importlib.metadata as metadata
import demo
def version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "none"
print(demo.SAYS, *map(version, ("six", "lib", "iniconfig", "click", "pluggy", "colorama")))
"""
BUILD_SYSTEM = (
    '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
)
LIBRARY = f"""
[project]
name = "lib"
version = "3.0"
dependencies = ["iniconfig==2.1.0"]
{BUILD_SYSTEM}
[tool.setuptools]
py-modules = []
"""
FILES = {"app.py": APP, "demo.py": "SAYS = 'first'\n", "lib/pyproject.toml": LIBRARY}
STANDARD = f"""
[project]
name = "demo"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["six==1.17.0", {{lib}}, "colorama; sys_platform == 'win32'"]
[dependency-groups]
dev = ["pluggy"]
train = ["click==8.1.8"]
{BUILD_SYSTEM}
[tool.setuptools]
py-modules = ["demo"]
"""
POETRY = """
[tool.poetry]
name = "demo"
version = "0.1.0"
description = ""
authors = []
package-mode = true
[tool.poetry.dependencies]
python = "^3.11"
six = "1.17.0"
lib = { path = "lib", develop = true }
colorama = { version = "*", markers = "sys_platform == 'win32'" }
[tool.poetry.group.dev.dependencies]
pluggy = "*"
[tool.poetry.group.train]
optional = true
[tool.poetry.group.train.dependencies]
click = "8.1.8"
[[tool.poetry.source]]
name = "own"
url = "@index@"
[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
"""
PIPFILE = """
[[source]]
name = "own"
url = "@index@"
verify_ssl = true
[packages]
six = "==1.17.0"
lib = { path = "./lib", editable = true }
iniconfig = "==2.1.0"
colorama = { version = "*", markers = "sys_platform == 'win32'" }
[dev-packages]
pluggy = "*"
[train]
click = "==8.1.8"
"""


def tool(project: Project, *command: str, env: Mapping[str, str] | None = None) -> None:
    """Run a tool of this environment in the app."""
    state = project.app.parent / "tool-state"
    subprocess.run(
        [str(Path(sys.executable).with_name(command[0])), *command[1:]],
        cwd=project.app,
        check=True,
        env={**os.environ, "XDG_STATE_HOME": str(state), **(env or {})},
    )


def default_index(project: Project) -> str:
    """The address of this machine's package index, of which nothing stands in this file."""
    (six,) = (
        package
        for package in tomllib.loads((project.app / "uv.lock").read_text())["package"]
        if package["name"] == "six"
    )
    return str(six["source"]["registry"])


def lock_with_uv(project: Project) -> None:
    text = STANDARD.format(lib='"lib"')
    text += '[tool.uv.sources]\nlib = { path = "lib", editable = true }\n'
    project.write({"pyproject.toml": text})
    tool(project, "uv", "lock", "--quiet", "--python", sys.executable)


def lock_with_poetry(project: Project) -> None:
    lock_with_uv(project)
    index = default_index(project)
    (project.app / "uv.lock").unlink()
    project.write({"pyproject.toml": POETRY.replace("@index@", index)})
    home = {"HOME": str(project.app.parent / "home"), "POETRY_VIRTUALENVS_CREATE": "false"}
    tool(project, "poetry", "lock", "--quiet", env=home)


def lock_with_pipenv(project: Project) -> None:
    lock_with_uv(project)
    index = default_index(project)
    for name in ("uv.lock", "pyproject.toml"):
        (project.app / name).unlink()
    project.write({"Pipfile": PIPFILE.replace("@index@", index)})
    home = {
        "HOME": str(project.app.parent / "home"),
        "WORKON_HOME": str(project.app.parent / "environments"),
        "PIPENV_IGNORE_VIRTUALENVS": "1",
    }
    tool(project, "pipenv", "lock", "--quiet", "--python", sys.executable, env=home)


def lock_with_pdm(project: Project) -> None:
    text = STANDARD.format(lib='"lib @ file:///${PROJECT_ROOT}/lib"')
    # Only its own build system knows PROJECT_ROOT.
    text = text.replace("setuptools.build_meta", "pdm.backend").replace("setuptools", "pdm-backend")
    text = text.replace("[tool.pdm-backend]", "[tool.pdm.build]").replace("py-modules", "includes")
    project.write({"pyproject.toml": text.replace('["demo"]', '["demo.py"]')})
    run = ("uv", "tool", "run", "--quiet", "--python", sys.executable, "--from", PDM, "pdm")
    tool(project, *run, "lock", "--quiet", "--group", ":all", env=pdm_home(project))


def pdm_home(project: Project) -> dict[str, str]:
    """Variables that keep PDM's state beside the app."""
    state = project.app.parent
    return {
        "PDM_CACHE_DIR": str(state / "cache"),
        "PDM_CHECK_UPDATE": "false",
        "PDM_CONFIG_FILE": str(state / "config.toml"),
        "PDM_LOG_DIR": str(state / "log"),
        "PDM_PYTHON": sys.executable,
    }


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("lock", "buildpack", "name", "source"),
    [
        pytest.param(lock_with_uv, "uv", "uv.lock", "pyproject.toml", id="uv"),
        pytest.param(lock_with_poetry, "poetry", "poetry.lock", "pyproject.toml", id="poetry"),
        pytest.param(lock_with_pipenv, "pipenv", "Pipfile.lock", "Pipfile", id="pipenv"),
        pytest.param(lock_with_pdm, "pdm", "pdm.lock", "pyproject.toml", id="pdm"),
    ],
)
def test_what_the_tool_locked_is_what_runs(
    project: Project, lock: Callable[[Project], None], buildpack: str, name: str, source: str
) -> None:
    project.write(FILES)
    lock(project)
    fresh = project.build("--env", "BP_PYTHON_GROUPS=train")
    assert f"Installing from {name}: new" in fresh.output
    assert project.run() == "first 1.17.0 3.0 2.1.0 8.1.8 none none\n"
    before = project.layers()
    dependencies = {what for what in before if what.startswith("cnbkit/pip:")}
    assert dependencies

    # Other code: nothing is read, installed or exported but the app.
    project.write({"demo.py": "SAYS = 'second'\n"})
    again = project.build("--env", "BP_PYTHON_GROUPS=train")
    assert f"{name} unchanged" in again.output
    after = project.layers()
    assert {what: after.get(what) for what in dependencies} == {
        what: before[what] for what in dependencies
    }
    assert project.run() == "second 1.17.0 3.0 2.1.0 8.1.8 none none\n"

    # Out of step: refused, and the last image stays.
    text = (project.app / source).read_text()
    project.write({source: text.replace("1.17.0", "1.16.0")})
    refused = project.build("--env", "BP_PYTHON_GROUPS=train", code=51)
    assert f"Error: {name} is out of step with {source}" in refused.output
    assert f"to do: run `{buildpack} lock`" in refused.output
    assert project.layers() == after

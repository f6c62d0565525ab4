"""Projects with a uv.lock: what is installed is what `uv sync` installs."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from .cases import tiered
from .harness import Case, in_folder
from .projects import SETUPTOOLS, library, vendored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ..e2e.index import PackageIndex
    from .harness import Outcome

HEAD = '[project]\nname = "app"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
PROJECT = f"""{HEAD}dependencies = ["six", "colorama; sys_platform == 'win32'"]
[project.optional-dependencies]
Web_UI = ["idna"]
all = ["app[web-ui]", "attrs"]
[dependency-groups]
dev = ["toml"]
test = ["pluggy", {{include-group = "Train"}}]
Train = ["iniconfig"]
"""
LOCK = (("uv", "lock", "--quiet", "--python", "{tools}/python"),)
SYNC = ("uv", "sync", "--quiet", "--frozen", "--no-dev")
MEMBERS = '[tool.uv.workspace]\nmembers = ["packages/*"]\n'
WORKSPACE = {
    "packages/one/pyproject.toml": library("one", "idna", "two")
    + "[tool.uv.sources]\ntwo = {workspace = true}\n",
    "packages/two/pyproject.toml": library("two", "iniconfig"),
}


def locked(
    name: str,
    pyproject: str,
    *options: str,
    files: Mapping[str, str | bytes] | None = None,
    exec_env: str = "production",
    **env: str,
) -> Case:
    """A project that uv locks."""
    return Case(
        name,
        {"pyproject.toml": pyproject, **(files or {})},
        own=((*SYNC, *options),),
        lock=LOCK,
        buildpacks=("python", "uv", "pip"),
        env=env,
        exec_env=exec_env,
    )


def with_sources(source: str, name: str = "lib") -> str:
    """A project with one dependency that `[tool.uv.sources]` places."""
    return f'{HEAD}dependencies = ["six", "{name}"]\n[tool.uv.sources]\n{name} = {source}\n'


LIBRARY = {"lib/pyproject.toml": library("lib", "idna")}
CASES = [
    locked("without groups", PROJECT),
    locked("with a group", PROJECT, "--group", "train", BP_PYTHON_GROUPS="TRAIN"),
    locked(
        "with an extra of extras",
        PROJECT,
        *("--extra", "all"),
        BP_PYTHON_EXTRAS="All",
    ),
    locked(
        "with an extra in another spelling", PROJECT, "--extra", "web-ui", BP_PYTHON_EXTRAS="Web.UI"
    ),
    dataclasses.replace(
        locked("for tests", PROJECT, exec_env="test"),
        own=(("uv", "sync", "--quiet", "--frozen", "--group", "test"),),
    ),
    locked("default-groups", f'{PROJECT}[tool.uv]\ndefault-groups = ["dev", "train"]\n'),
    locked("all groups by default", f'{PROJECT}[tool.uv]\ndefault-groups = "all"\n'),
    locked("dev-dependencies", f'{PROJECT}[tool.uv]\ndev-dependencies = ["attrs"]\n'),
    locked("a package", f"{PROJECT}{SETUPTOOLS}[tool.setuptools]\npy-modules = []\n"),
    locked("no package", f"{PROJECT}{SETUPTOOLS}[tool.uv]\npackage = false\n"),
    locked(
        "a package without a build system",
        f"{PROJECT}[tool.uv]\npackage = true\n[tool.setuptools]\npy-modules = []\n",
    ),
    locked("without requires-python", PROJECT.replace('requires-python = ">=3.11"\n', "")),
    locked(
        "dynamic version",
        '[project]\nname = "app"\ndynamic = ["version"]\nrequires-python = ">=3.11"\n'
        f'dependencies = ["six"]\n{SETUPTOOLS}[tool.setuptools]\npy-modules = ["app"]\n'
        '[tool.setuptools.dynamic]\nversion = {attr = "app.V"}\n',
        files={"app.py": "V = '3.2'\n"},
    ),
    locked("an editable path", with_sources('{path = "lib", editable = true}'), files=LIBRARY),
    locked("a path", with_sources('{path = "lib"}'), files=LIBRARY),
    locked(
        "a path that is not a package",
        with_sources('{path = "lib", package = false}'),
        files=LIBRARY,
    ),
    locked(
        "a wheel",
        with_sources('{path = "vendor/demo-1.0-py3-none-any.whl"}', "demo"),
        files=vendored("demo", "1.0"),
    ),
    locked(
        "a source with markers",
        with_sources(
            "[{path = 'lib', marker = \"sys_platform == 'linux'\"}, "
            "{path = 'no', marker = \"sys_platform == 'win32'\"}]"
        ),
        files={**LIBRARY, "no/pyproject.toml": library("lib", "toml")},
    ),
    locked(
        "a workspace with a root",
        with_sources("{workspace = true}", "one") + MEMBERS,
        files=WORKSPACE,
    ),
    locked("a workspace without a root", MEMBERS, files=WORKSPACE),
    locked(
        "a member of a workspace",
        with_sources("{workspace = true}", "one") + MEMBERS,
        *("--package", "two"),
        files=WORKSPACE,
        BP_UV_PACKAGE="two",
    ),
    locked(
        "constraints and overrides",
        f'{PROJECT}[tool.uv]\nconstraint-dependencies = ["six<1.17"]\n'
        'override-dependencies = ["idna<3"]\n',
        *("--extra", "all"),
        BP_PYTHON_EXTRAS="all",
    ),
    locked(
        "conflicting extras",
        f'{HEAD}dependencies = []\n[project.optional-dependencies]\nold = ["six==1.16.0"]\n'
        'new = ["six==1.17.0"]\n[tool.uv]\nconflicts = [[{extra = "old"}, {extra = "new"}]]\n',
        *("--extra", "old"),
        BP_PYTHON_EXTRAS="old",
    ),
    locked(
        "only some environments",
        f"{PROJECT}[tool.uv]\nenvironments = [\"sys_platform == 'linux'\"]\n",
    ),
    locked("extras of a dependency", f'{HEAD}dependencies = ["requests[socks]==2.32.3"]\n'),
    locked(
        "a pre-release",
        f'{HEAD}dependencies = ["six", "attrs>=22.1"]\n[tool.uv]\nprerelease = "allow"\n',
    ),
    locked(
        "a group for another python",
        f'{PROJECT}[tool.uv.dependency-groups]\ndev = {{requires-python = ">=3.12"}}\n',
    ),
    locked("odd toml", PROJECT.replace("[project]\n", "[ project ] # the app\n")),
    locked("no source", f'{HEAD}dependencies = ["six==1.16.0"]\n[tool.uv]\nno-build = true\n'),
]


@pytest.mark.parametrize("case", tiered(CASES))
def test_the_image_has_what_uv_syncs(case: Case, compare: Callable[..., Outcome]) -> None:
    compare(case)


@pytest.mark.full
def test_a_project_in_a_folder_with_a_library_beside(compare: Callable[..., Outcome]) -> None:
    files = {
        "services/api/pyproject.toml": with_sources('{path = "../../libs/lib", editable = true}'),
        "libs/lib/pyproject.toml": library("lib", "idna"),
        "requirements.txt": "toml\n",
    }
    case = locked("folder", "", BP_PYTHON_FOLDER="services/api")
    own = in_folder("services/api", *case.own)
    lock = in_folder("services/api", *case.lock)
    compare(dataclasses.replace(case, files=files, own=own, lock=lock))


@pytest.mark.full
def test_a_git_dependency_in_a_subdirectory(
    git_library: Path, compare: Callable[..., Outcome]
) -> None:
    source = f'{{git = "file://{git_library}", subdirectory = "py", branch = "main"}}'
    compare(locked("git", with_sources(source, "eggs")))


@pytest.mark.full
def test_a_package_of_an_explicit_index(
    private_index: PackageIndex, compare: Callable[..., Outcome]
) -> None:
    index = f'[[tool.uv.index]]\nname = "own"\nurl = "{private_index.url}"\nexplicit = true\n'
    compare(locked("index", with_sources('{index = "own"}', "corplib") + index))

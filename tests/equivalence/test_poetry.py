"""Projects with a poetry.lock: what is installed is what `poetry install` installs."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from .cases import tiered
from .harness import Case
from .projects import library, vendored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ..e2e.index import PackageIndex
    from .harness import Outcome

BUILD = '[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n'
FORMER = '[build-system]\nrequires = ["poetry>=0.12"]\nbuild-backend = "poetry.masonry.api"\n'
LEGACY = """[tool.poetry]
name = "app"
version = "1.0"
description = ""
authors = []
{more}
[tool.poetry.dependencies]
python = "^3.11"
six = "^1.16"
colorama = {{ version = "*", markers = "sys_platform == 'win32'" }}
"""
GROUPS = """[tool.poetry.group.dev.dependencies]
toml = "*"
[tool.poetry.group.Train]
optional = true
[tool.poetry.group.Train.dependencies]
iniconfig = "*"
[tool.poetry.group.test.dependencies]
pluggy = "*"
"""
STANDARD = """[project]
name = "app"
version = "1.0"
requires-python = ">=3.11,<4"
dependencies = ["six", "colorama; sys_platform == 'win32'"]
"""
NO_PACKAGE = "package-mode = false"
PACKAGE = 'packages = [{ include = "app" }]'
CODE = {"app/__init__.py": ""}
SCRIPT = '[tool.poetry.scripts]\nserve = "app:main"\n'
PART = '[tool.poetry]\nname = "lib"\nversion = "2.0"\ndescription = ""\nauthors = []\n'


def locked(
    name: str,
    pyproject: str,
    *options: str,
    files: Mapping[str, str | bytes] | None = None,
    exec_env: str = "production",
    only: str = "main",
    **env: str,
) -> Case:
    """A project that Poetry locks."""
    return Case(
        name,
        {"pyproject.toml": pyproject, **(files or {})},
        own=(("poetry", "install", "--quiet", "--only", only, *options),),
        lock=(("poetry", "lock", "--quiet"),),
        buildpacks=("python", "poetry", "pip"),
        env=env,
        own_env={"POETRY_NO_INTERACTION": "1"},
        exec_env=exec_env,
    )


def legacy(text: str = "", more: str = NO_PACKAGE) -> str:
    """A project in Poetry's own tables."""
    return LEGACY.format(more=more) + text


LIBRARY = {"lib/pyproject.toml": library("lib", "idna")}
CASES = [
    locked("legacy", legacy()),
    locked("legacy groups", legacy(GROUPS)),
    locked("an optional group", legacy(GROUPS), only="main,train", BP_PYTHON_GROUPS="train"),
    locked("for tests", legacy(GROUPS), only="main,dev,test", exec_env="test"),
    locked(
        "dev-dependencies",
        legacy('[tool.poetry.dev-dependencies]\ntoml = "*"\n'),
        only="main,dev",
        BP_PYTHON_GROUPS="dev",
    ),
    locked("dev-dependencies left out", legacy('[tool.poetry.dev-dependencies]\ntoml = "*"\n')),
    locked(
        "extras",
        legacy(
            'idna = { version = "*", optional = true }\n'
            'attrs = { version = "*", optional = true }\n'
            '[tool.poetry.extras]\nWeb_UI = ["idna"]\nmore = ["attrs"]\n'
        ),
        *("--extras", "web-ui"),
        BP_PYTHON_EXTRAS="Web.UI",
    ),
    locked(
        "extras left out",
        legacy('idna = { version = "*", optional = true }\n[tool.poetry.extras]\nweb = ["idna"]\n'),
    ),
    locked("a package", legacy(BUILD, PACKAGE), files=CODE),
    locked("a package that names Poetry's former backend", legacy(FORMER, PACKAGE), files=CODE),
    locked("a package that names no backend", legacy(SCRIPT, PACKAGE), files=CODE),
    locked(
        "a part that names no backend",
        legacy('lib = { path = "lib", develop = true }\n'),
        files={"lib/pyproject.toml": PART, "lib/lib/__init__.py": ""},
    ),
    locked(
        "standard",
        STANDARD + BUILD + '[tool.poetry]\npackages = [{ include = "app" }]\n',
        files=CODE,
    ),
    locked("standard, no package", f"{STANDARD}[tool.poetry]\n{NO_PACKAGE}\n"),
    locked(
        "standard groups",
        f'{STANDARD}[dependency-groups]\ndev = ["toml"]\nTrain = ["iniconfig"]\n'
        f"[tool.poetry]\n{NO_PACKAGE}\n",
        only="main,train",
        BP_PYTHON_GROUPS="train",
    ),
    locked(
        "standard extras",
        f'{STANDARD}[project.optional-dependencies]\nweb = ["idna"]\n[tool.poetry]\n{NO_PACKAGE}\n',
        *("--extras", "web"),
        BP_PYTHON_EXTRAS="web",
    ),
    locked(
        "dynamic dependencies",
        '[project]\nname = "app"\nversion = "1.0"\nrequires-python = ">=3.11,<4"\n'
        f'dynamic = ["dependencies"]\n[tool.poetry]\n{NO_PACKAGE}\n'
        '[tool.poetry.dependencies]\nsix = "*"\n',
    ),
    locked(
        "versions by python",
        legacy(
            '[[tool.poetry.dependencies.idna]]\nversion = "2.10"\npython = "<3.12"\n'
            '[[tool.poetry.dependencies.idna]]\nversion = "^3"\npython = ">=3.12"\n'
        ),
    ),
    locked(
        "extras of a dependency", legacy('requests = { version = "2.32.3", extras = ["socks"] }\n')
    ),
    locked("a pre-release", legacy('attrs = { version = "*", allow-prereleases = true }\n')),
    locked("a path", legacy('lib = { path = "lib" }\n'), files=LIBRARY),
    locked("an editable path", legacy('lib = { path = "lib", develop = true }\n'), files=LIBRARY),
    locked(
        "a wheel",
        legacy('demo = { path = "vendor/demo-1.0-py3-none-any.whl" }\n'),
        files=vendored("demo", "1.0"),
    ),
    locked("alternatives of pythons", legacy().replace("^3.11", "~3.9 || ^3.11")),
    locked("old metadata", legacy('[tool.poetry.scripts]\na = "app:main"\n')),
    locked("odd toml", legacy().replace("[tool.poetry]", '[ tool . "poetry" ] # app')),
    locked(
        "a transitive extra", legacy('uvicorn = { version = "0.30.6", extras = ["standard"] }\n')
    ),
]


def sourced(case: Case, index: str) -> Case:
    """The case with everything from this machine's index: Poetry asks another API by default."""
    source = f'\n[[tool.poetry.source]]\nname = "main"\nurl = "{index}"\npriority = "primary"\n'
    project = f"{case.files['pyproject.toml']!s}{source}"
    return dataclasses.replace(case, files={**case.files, "pyproject.toml": project})


@pytest.mark.parametrize("case", tiered(CASES))
def test_the_image_has_what_poetry_installs(
    case: Case, default_index: str, compare: Callable[..., Outcome]
) -> None:
    compare(sourced(case, default_index))


@pytest.mark.full
def test_a_git_dependency_in_a_subdirectory(
    git_library: Path, default_index: str, compare: Callable[..., Outcome]
) -> None:
    source = f'{{ git = "file://{git_library}", subdirectory = "py", branch = "main" }}'
    compare(sourced(locked("git", legacy(f"eggs = {source}\n")), default_index))


@pytest.mark.parametrize("priority", ["explicit", "supplemental"])
def test_a_package_of_a_source(
    private_index: PackageIndex, default_index: str, compare: Callable[..., Outcome], priority: str
) -> None:
    source = f'[[tool.poetry.source]]\nname = "own"\nurl = "{private_index.url}"\n'
    text = f'corplib = {{ version = "*", source = "own" }}\n{source}priority = "{priority}"\n'
    compare(sourced(locked("source", legacy(text)), default_index))

"""What an image starts is told by what its lock selects, before anything is installed."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uv
from packaging.utils import canonicalize_name

from cnbkit_locked.entries import normalised
from cnbkit_locked.selected import Selection, selected
from cnbkit_start import Start

if TYPE_CHECKING:
    from tests.buildpacks.conftest import Phases

PROJECT = '[project]\nname = "shop"\nversion = "1"\ndependencies = ["pandas"]\n'
LAB = '[project.optional-dependencies]\nlab = ["jupyter"]\n'
UV_LOCK = """version = 1

[[package]]
name = "jupyter"
version = "1.1.1"
source = { registry = "https://example.com/simple" }
dependencies = [
    { name = "notebook" },
]

[[package]]
name = "notebook"
version = "7.4.0"

[[package]]
name = "pandas"
version = "2.3.0"

[[package]]
name = "shop"
version = "1"
source = { virtual = "." }
dependencies = [
    { name = "pandas" },
]

[package.optional-dependencies]
lab = [
    { name = "jupyter" },
]
"""
POETRY_2 = """[[package]]
name = "jupyter"
version = "1.1.1"
optional = true
groups = ["main"]
markers = "extra == \\"lab\\""

[[package]]
name = "pandas"
version = "2.3.0"
optional = false
groups = ["main", "dev"]
"""
POETRY_1 = """[[package]]
name = "jupyter"
version = "1.1.1"
category = "dev"
optional = false

[[package]]
name = "pandas"
version = "2.3.0"
category = "main"
optional = false
"""
POETRY_BETWEEN = """[[package]]
name = "jupyter"
version = "1.1.1"

[package.dependencies]
notebook = "*"

[[package]]
name = "notebook"
version = "7.4.0"

[[package]]
name = "pandas"
version = "2.3.0"
"""
POETRY_GROUPS = """[tool.poetry.dependencies]
pandas = "*"
[tool.poetry.group.dev.dependencies]
jupyter = "*"
"""
PDM = """[metadata]
groups = ["default", "lab"]

[[package]]
name = "jupyter"
version = "1.1.1"
groups = ["lab"]

[[package]]
name = "pandas"
version = "2.3.0"
groups = ["default", "lab"]
"""
PYLOCK = """lock-version = "1.0"
extras = ["lab"]

[[packages]]
name = "jupyter"
version = "1.1.1"
marker = "'lab' in extras"

[[packages]]
name = "pandas"
version = "2.3.0"
"""
PIPFILE = '{"default": {\n"pandas": {\n}\n},\n"develop": {\n"jupyter": {\n}\n}\n}\n'
# Lock, and what the project says. Jupyter stays away in each of them.
AWAY = {
    "an extra, by uv": ("uv.lock", UV_LOCK, PROJECT + LAB),
    "an extra, by Poetry": ("poetry.lock", POETRY_2, PROJECT + LAB),
    "for development, by Poetry 1.4": ("poetry.lock", POETRY_1, PROJECT),
    "for development, by Poetry 1.8": (
        "poetry.lock",
        POETRY_BETWEEN,
        POETRY_GROUPS,
    ),
    "an extra, by PDM": ("pdm.lock", PDM, PROJECT + LAB),
    "an extra, by PEP 751": ("pylock.toml", PYLOCK, PROJECT + LAB),
    "for development, by Pipenv": ("Pipfile.lock", PIPFILE, ""),
}


@pytest.fixture
def alone(tmp_path: Path, phases: Phases) -> Phases:
    """Only cnbkit's buildpacks are in the builder."""
    own = tmp_path / "buildpacks" / "cnbkit_start" / "0.1.0"
    own.mkdir(parents=True)
    phases.env["CNB_BUILDPACK_DIR"] = str(own)
    return phases


def write(phases: Phases, kind: str) -> None:
    name, lock, project = AWAY[kind]
    phases.write(name, lock)
    if project:
        phases.write("pyproject.toml", project)


@pytest.mark.parametrize("kind", AWAY)
def test_what_only_an_extra_or_development_brings_starts_nothing(kind: str, alone: Phases) -> None:
    write(alone, kind)
    ran = alone.detect(Start())
    assert ran.fault is not None, ran.out
    assert "no process to start" in ran.fault.what


@pytest.mark.parametrize(
    ("kind", "setting"),
    [(kind, "BP_PYTHON_GROUPS" if "development" in kind else "BP_PYTHON_EXTRAS") for kind in AWAY],
)
def test_what_is_asked_for_is_selected(kind: str, setting: str, alone: Phases) -> None:
    write(alone, kind)
    alone.env[setting] = "dev" if "GROUPS" in setting else "Lab"
    assert alone.detect(Start()).fault is None
    assert "notebook: jupyter" in alone.build(Start()).out


def test_images_for_tests_have_the_groups_for_tests(alone: Phases) -> None:
    write(alone, "for development, by Poetry 1.4")
    alone.env["CNB_EXEC_ENV"] = "test"
    assert "notebook: jupyter" in alone.detect(Start()).out


@pytest.mark.parametrize("by", ["a buildpack of others", "BP_PROCESS_GROUPS", "a table"])
def test_where_groups_are_known_later_nothing_is_refused_early(by: str, alone: Phases) -> None:
    write(alone, "an extra, by uv")
    if by == "a buildpack of others":
        Path(alone.env["CNB_BUILDPACK_DIR"]).parents[1].joinpath("acme_gpu").mkdir()
    elif by == "a table":
        alone.write("project.toml", '[tool.cnbkit.process-groups]\nnotebook = ["lab"]\n')
    else:
        alone.env[by] = "notebook=lab"
    ran = alone.detect(Start())
    assert ran.fault is None


def test_a_server_for_development_alone_is_missed_before_packages_are_installed(
    alone: Phases,
) -> None:
    lock = UV_LOCK.replace("jupyter", "gunicorn").replace("pandas", "flask")
    alone.write("uv.lock", lock)
    alone.write("Procfile", "web: gunicorn app:app\n")
    alone.write("app.py", "from flask import Flask\napp = Flask(__name__)\n")
    ran = alone.detect(Start())
    assert ran.fault is not None
    assert "gunicorn" in ran.fault.what
    alone.env["BP_PYTHON_EXTRAS"] = "lab"
    assert alone.detect(Start()).fault is None


def test_default_groups_of_uv_are_installed(alone: Phases) -> None:
    lock = UV_LOCK.replace("package.optional-dependencies", "package.dev-dependencies")
    alone.write("uv.lock", lock)
    defaults = '[tool.uv]\ndefault-groups = ["lab"]\n'
    alone.write("pyproject.toml", f'{PROJECT}[dependency-groups]\nlab = ["jupyter"]\n')
    assert alone.detect(Start()).fault is not None
    alone.write("pyproject.toml", f'{PROJECT}[dependency-groups]\nlab = ["jupyter"]\n{defaults}')
    assert "notebook: jupyter" in alone.detect(Start()).out


@pytest.mark.parametrize(
    "odd",
    [
        UV_LOCK.replace('virtual = "."', 'virtual = "app"'),
        UV_LOCK.replace('lab = [\n    { name = "jupyter" },\n]', 'lab = [{ name = "jupyter" }]'),
    ],
    ids=["a workspace whose root is not a package", "other lines than uv's"],
)
def test_what_is_not_understood_counts_as_selected(odd: str) -> None:
    assert selected(odd, "uv.lock", Selection()) == {"jupyter", "notebook", "pandas", "shop"}


MARKERS = {
    "'lab' in extras": False,
    "'lab' in extras or 'dev' in dependency_groups": False,
    "python_version >= '3.12' and 'dev' in dependency_groups": False,
    "'serve' in dependency_groups": True,
    "'lab' in extras or 'serve' in dependency_groups": True,
    "('lab' in extras or python_version < '4') and os_name == 'posix'": True,
    "'arm' in platform_machine": True,
    "'lab' not in extras": True,
}


@pytest.mark.parametrize("marker", MARKERS)
def test_markers_of_pep_751(marker: str) -> None:
    lock = f'default-groups = ["serve"]\n[[packages]]\nname = "a"\nmarker = "{marker}"\n'
    assert (selected(lock, "pylock.toml", Selection()) == {"a"}) is MARKERS[marker]


# Folders that uv locks without an index; what each needs.
FOLDERS = {
    "root": ({"a", "b[fast]"}, {"lab": {"c"}}, {"Dev_Tools": {"d"}, "serve": {"e"}}),
    "a": ({"f"}, {}, {}),
    "b": (set(), {"fast": {"g"}}, {}),
    **{name: (set(), {}, {}) for name in "cdefg"},
}


def folders(root: Path) -> None:
    for name, (needs, extras, groups) in FOLDERS.items():
        sources = "".join(
            f"{each} = {{ path = {str(root / each)!r} }}\n" for each in FOLDERS if each != name
        )
        lists = [
            f"dependencies = {sorted(needs)}",
            "[project.optional-dependencies]",
            *(f"{extra} = {sorted(them)}" for extra, them in extras.items()),
            "[dependency-groups]",
            *(f"{group} = {sorted(them)}" for group, them in groups.items()),
        ]
        text = f'[project]\nname = "{name}"\nversion = "1"\nrequires-python = ">=3.11"\n'
        text += "\n".join(lists) + f"\n[build-system]\nrequires = []\n[tool.uv.sources]\n{sources}"
        (root / name).mkdir()
        (root / name / "pyproject.toml").write_text(text)


def run_uv(root: Path, *arguments: str) -> str:
    command = [uv.find_uv_bin(), *arguments, "--offline", "--no-config", "--quiet"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["Ruamel.yaml__clib", "a-_.b", "A", "x--y", "-_a.-", "é_É"])
def test_names_are_spelt_as_packaging_spells_them(name: str) -> None:
    assert normalised(name) == canonicalize_name(name)


def test_as_uv_itself_selects(tmp_path: Path) -> None:
    folders(tmp_path)
    root = tmp_path / "root"
    run_uv(root, "lock")
    lock = (root / "uv.lock").read_text()
    for groups in ([], ["serve"], ["dev-tools", "serve"]):
        for extras in ([], ["lab"]):
            options = [word for each in groups for word in ("--group", each)]
            options += [word for each in extras for word in ("--extra", each)]
            exported = run_uv(
                root, "export", "--frozen", "--no-dev", "--format", "pylock.toml", *options
            )
            names = {each["name"] for each in tomllib.loads(exported)["packages"]}
            found = selected(lock, "uv.lock", Selection(groups, extras))
            assert found - {"root"} == names - {"root"}
            assert {"a", "b", "f", "g"} <= found

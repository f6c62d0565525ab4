"""The uv buildpack: locks made by uv itself, exported for a Python and a target."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit_uv import Uv

from ..fetching import trust
from .front_end import LockFrontEnd, packages
from .told import telling

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnbkit.testing import BuildpackRun

    from .conftest import Published

BUILDPACK = Path(__file__).resolve().parents[2] / "buildpacks" / "uv"
UV = Path(sys.executable).with_name("uv")
ENV = telling(python=sys.executable, python_version="3.11.2", inputs=["uv.lock"])

BUILD_SYSTEM = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
"""
PROJECT = f"""
[project]
name = "demo"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = [
    "six",
    "lib",
    "colorama; sys_platform == 'win32'",
    "toml; python_version >= '3.12'",
    "markupsafe; platform_machine == 'aarch64'",
]
[project.optional-dependencies]
gpu = ["packaging"]
[dependency-groups]
dev = ["pluggy"]
train = ["click"]
[tool.uv.sources]
lib = {{ path = "lib", editable = true }}
{BUILD_SYSTEM}"""
LIBRARY = f"""
[project]
name = "lib"
version = "0.1.0"
dependencies = ["idna"]
{BUILD_SYSTEM}"""
FILES = {"pyproject.toml": PROJECT, "lib/pyproject.toml": LIBRARY}


def locked(folder: Path, files: Mapping[str, str]) -> Path:
    """An app with these files and uv's lock of them."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    subprocess.run(
        [UV, "lock", "--quiet", "--python", sys.executable],
        cwd=folder,
        check=True,
        env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"},
    )
    return folder


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app most tests need; they get copies."""
    return locked(tmp_path_factory.mktemp("app"), FILES)


@pytest.fixture(scope="module")
def buildpack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The buildpack with its uv where a package has it."""
    folder = tmp_path_factory.mktemp("uv")
    for name in ("buildpack.toml", "cnbkit_uv"):
        (folder / name).symlink_to(BUILDPACK / name)
    (folder / "lib" / "bin").mkdir(parents=True)
    (folder / "lib" / "bin" / "uv").symlink_to(UV)
    return folder


@pytest.mark.fetches
def test_the_project_and_its_dependencies_without_development_ones(
    buildpack_run: BuildpackRun, buildpack: Path, app: Path
) -> None:
    result = buildpack_run(buildpack, app=app, env=ENV)
    found = packages(result)
    assert found.keys() == {"demo", "lib", "six", "idna"}
    assert found["demo"]["directory"] == {"path": str(result.app), "editable": True}
    assert found["lib"]["directory"] == {"path": f"{result.app}/lib", "editable": True}
    wheel = found["six"]["wheels"][0]
    assert wheel["url"].endswith(".whl")
    assert len(wheel["hashes"]["sha256"]) == 64
    assert wheel["size"] > 1000
    assert all("marker" not in entry and "index" not in entry for entry in found.values())
    assert result.layer("lock").types == {"cache"}


def test_a_plan_of_a_python_that_is_not_there_yet_has_the_packages_of_the_lock(
    buildpack_run: BuildpackRun, buildpack: Path, app: Path
) -> None:
    env = telling(ENV, python="/layers/cnbkit_python/interpreter/bin/python3")
    asked = buildpack_run(buildpack, app=app, env=env, phases=["detect", "decide"])
    assert "4 packages for Python 3.11.2" in asked.log


@pytest.mark.fetches
def test_groups_and_extras_are_added_and_those_for_tests_in_a_test_image(
    buildpack_run: BuildpackRun, buildpack: Path, app: Path
) -> None:
    env = {**ENV, "BP_PYTHON_GROUPS": "Train", "BP_PYTHON_EXTRAS": "gpu"}
    chosen = buildpack_run(buildpack, app=app, env=env)
    assert packages(chosen).keys() == {"demo", "lib", "six", "idna", "click", "packaging"}
    tested = chosen.rebuild(
        env={"BP_PYTHON_GROUPS": None, "BP_PYTHON_EXTRAS": None}, exec_env="test"
    )
    assert packages(tested).keys() == {"demo", "lib", "six", "idna", "pluggy"}
    assert "execution environment changed from production to test" in tested.log


class TestLockFrontEnd(LockFrontEnd):
    kind = Uv
    env = ENV
    lock = "uv.lock"
    own = ("cnbkit_uv.", "tomli_w")
    always = frozenset({"demo", "lib", "six", "idna"})

    @pytest.fixture
    def given(self, buildpack: Path) -> Path:
        return buildpack


@pytest.mark.fetches
def test_a_member_of_a_workspace(
    buildpack_run: BuildpackRun, buildpack: Path, tmp_path: Path
) -> None:
    project = '[project]\nname = "{0}"\nversion = "1"\ndependencies = [{1}]\n' + BUILD_SYSTEM
    app = locked(
        tmp_path / "app",
        {
            "pyproject.toml": '[tool.uv.workspace]\nmembers = ["web", "core", "tool"]\n',
            "web/pyproject.toml": project.format("web", '"core", "six"')
            + "[tool.uv.sources]\ncore = { workspace = true }\n",
            "core/pyproject.toml": project.format("core", '"idna"'),
            "tool/pyproject.toml": project.format("tool", '"click"'),
        },
    )
    result = buildpack_run(buildpack, app=app, env={**ENV, "BP_UV_PACKAGE": "web"})
    assert packages(result).keys() == {"web", "core", "six", "idna"}

    everything = result.rebuild(env={"BP_UV_PACKAGE": None})
    assert packages(everything).keys() == {"web", "core", "tool", "six", "idna", "click"}

    unknown = result.rebuild(env={"BP_UV_PACKAGE": "wbe"})
    assert "uv.lock has no member wbe" in unknown.log
    assert "take one of these: core, tool, web" in unknown.log

    changed = project.format("core", '"idna", "click"')
    drifted = result.rebuild(app={"core/pyproject.toml": changed})
    assert drifted.code == 65
    assert "uv.lock is out of step with pyproject.toml" in drifted.log


@pytest.mark.fetches
def test_git_and_url_dependencies_and_indexes_keep_their_place(
    buildpack_run: BuildpackRun,
    buildpack: Path,
    tmp_path: Path,
    published_six: Published,
    eggs_repository: Path,
) -> None:
    with_user = published_six.simple.replace("://", "://someone:secret@")
    made = locked(
        tmp_path / "made",
        {
            "pyproject.toml": '[project]\nname = "demo"\nversion = "1"\n'
            f'dependencies = ["eggs", "six @ {published_six.wheel}", "idna"]\n'
            "[tool.uv.sources]\n"
            f'eggs = {{ git = "file://{eggs_repository}", subdirectory = "py" }}\n'
            'idna = { index = "own" }\n'
            f'[[tool.uv.index]]\nname = "own"\nurl = "{with_user}"\nexplicit = true\n'
        },
    )
    result = buildpack_run(buildpack, app=made, env=ENV)
    found = packages(result)
    # Without a build system the project is not a package.
    assert found.keys() == {"eggs", "six", "idna"}
    assert found["eggs"]["vcs"]["type"] == "git"
    assert found["eggs"]["vcs"]["url"] == f"file://{eggs_repository}"
    assert found["eggs"]["vcs"]["subdirectory"] == "py"
    assert len(found["eggs"]["vcs"]["commit-id"]) == 40
    assert found["six"]["archive"]["url"] == published_six.wheel
    assert found["six"]["archive"]["hashes"]["sha256"]
    assert found["idna"]["index"].rstrip("/") == published_six.simple.rstrip("/")
    assert "secret" not in result.layer("lock").text("pylock.toml") + result.log


def test_another_index_to_install_from_does_not_put_the_lock_out_of_step(
    buildpack_run: BuildpackRun, buildpack: Path, app: Path
) -> None:
    env = {**ENV, "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple"}
    assert "six" in packages(buildpack_run(buildpack, app=app, env=env))


SETUP = "from setuptools import setup\nsetup(name='lib', version='1.0', install_requires=['{0}'])\n"


@pytest.mark.fetches
def test_a_local_package_that_only_its_build_system_knows_is_built_to_compare_it(
    buildpack_run: BuildpackRun, buildpack: Path, tmp_path: Path
) -> None:
    app = locked(
        tmp_path / "made",
        {
            "pyproject.toml": '[project]\nname = "demo"\nversion = "1"\ndependencies = ["lib"]\n'
            'requires-python = ">=3.11"\n[tool.uv.sources]\nlib = { path = "lib" }\n',
            "lib/setup.py": SETUP.format("idna"),
        },
    )
    good = buildpack_run(buildpack, app=app, env={**ENV, **trust()})
    assert packages(good).keys() == {"lib", "idna"}
    drifted = good.rebuild(app={"lib/setup.py": SETUP.format("six")})
    assert "uv.lock is out of step with pyproject.toml" in drifted.log
    assert drifted.code == 65
    alone = good.rebuild(
        env={"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple", "UV_HTTP_RETRIES": "0"},
        app={"lib/setup.py": SETUP.format("idna") + "# again\n"},
    )
    assert alone.code == 69
    assert "the package index cannot be reached" in alone.log


@pytest.mark.parametrize(
    ("files", "env", "what", "where", "remedy"),
    [
        pytest.param(
            {"pyproject.toml": PROJECT.replace('"six",', '"six<1.17",')},
            {},
            "uv.lock is out of step with pyproject.toml",
            "uv.lock",
            "run `uv lock` and commit uv.lock",
            id="a stricter requirement",
        ),
        pytest.param(
            {"lib/pyproject.toml": LIBRARY.replace('"idna"', '"idna", "click"')},
            {},
            "uv.lock is out of step with pyproject.toml",
            "uv.lock",
            "run `uv lock`",
            id="a local package requires more",
        ),
        pytest.param(
            {"uv.lock": "version = 1\n<<<<<<< ours\n"},
            {},
            "git has left a conflict in uv.lock",
            "uv.lock:2",
            "run `uv lock`",
            id="conflict in the lock",
        ),
        pytest.param(
            {"uv.lock": "version = 1\nb =\n"},
            {},
            "uv.lock is not TOML: Invalid value",
            "uv.lock:2",
            "run `uv lock`",
            id="no TOML",
        ),
        pytest.param(
            {"uv.lock": "version = 9\n"},
            {},
            "uv.lock has a format (v9) that this uv cannot read",
            "uv.lock",
            "newer version of the buildpack",
            id="lock of the future",
        ),
        pytest.param(
            {"pyproject.toml": '[project]\nname = "demo\n'},
            {},
            "uv cannot read pyproject.toml",
            "pyproject.toml:2",
            "correct it",
            id="project is not TOML",
        ),
        pytest.param(
            {"uv.lock": b"\xff"}, {}, "uv.lock is not UTF-8", "uv.lock:1", "UTF-8", id="not UTF-8"
        ),
        pytest.param(
            {},
            {"BP_PYTHON_GROUPS": "train,trian"},
            "uv.lock has no group trian",
            "BP_PYTHON_GROUPS",
            "take one of these: dev, train",
            id="unknown group",
        ),
        pytest.param(
            {},
            {"BP_PYTHON_EXTRAS": "cpu"},
            "uv.lock has no extra cpu",
            "BP_PYTHON_EXTRAS",
            "take one of these: gpu",
            id="unknown extra",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_remedy(
    buildpack_run: BuildpackRun,
    buildpack: Path,
    app: Path,
    files: Mapping[str, str],
    env: Mapping[str, str],
    what: str,
    where: str,
    remedy: str,
) -> None:
    good = buildpack_run(buildpack, app=app, env=ENV)
    bad = good.rebuild(app=files, env={**ENV, **env})
    assert bad.code == 65, bad.log
    assert bad.fault is not None
    assert bad.fault.what.startswith(what)
    assert bad.fault.where == where
    assert remedy in (bad.fault.remedy or "")


@pytest.mark.parametrize("dependency", ['"lib"', '"lib", "more"'], ids=["locked", "out of step"])
def test_a_package_beside_the_app_is_told_with_what_to_build_instead(
    buildpack_run: BuildpackRun, buildpack: Path, tmp_path: Path, dependency: str
) -> None:
    text = (
        '[project]\nname = "api"\nversion = "1"\nrequires-python = ">=3.11"\n'
        "dependencies = [{}]\n"
        '[tool.uv.sources]\nlib = {{ path = "../lib" }}\nmore = {{ path = "more" }}\n'
    )
    library = LIBRARY.replace('"idna"', "")
    write = {"lib/pyproject.toml": library, "more/pyproject.toml": library.replace("lib", "more")}
    for name, content in write.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(content)
    app = locked(tmp_path / "api", {"pyproject.toml": text.format('"lib"')})
    (app / "pyproject.toml").write_text(text.format(dependency))
    alone = tmp_path / "elsewhere" / "api"
    alone.parent.mkdir()
    app.rename(alone)
    result = buildpack_run(buildpack, app=alone, env=ENV)
    assert result.code == 65
    assert result.fault is not None
    assert result.fault.what == "../lib is outside the app, and not in the build"
    assert result.fault.where == "pyproject.toml:7"
    assert "BP_PYTHON_FOLDER" in (result.fault.remedy or "")


def test_a_python_that_the_project_does_not_want(
    buildpack_run: BuildpackRun, buildpack: Path
) -> None:
    newest = f">={sys.version_info.major}.{sys.version_info.minor + 1}"
    text = f'[project]\nname = "demo"\nversion = "1"\nrequires-python = "{newest}"\n'
    lock = f'version = 1\nrequires-python = "{newest}"\n'
    result = buildpack_run(buildpack, app={"uv.lock": lock, "pyproject.toml": text}, env=ENV)
    assert result.code == 65
    assert f"the project wants Python {newest}, and this image has" in result.log
    assert ".python-version" in result.log


def test_another_input_leaves_the_lock_alone(
    buildpack_run: BuildpackRun, buildpack: Path, app: Path
) -> None:
    result = buildpack_run(buildpack, app=app, env=telling(ENV, inputs=["requirements.txt"]))
    assert result.layers == []
    assert "uv.lock is left alone: dependencies come from requirements.txt" in result.log

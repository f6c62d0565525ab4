"""The poetry buildpack: locks made by Poetry itself, in all their formats."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import tomli_w
from poetry.packages.locker import Locker

from cnbkit import UserFault
from cnbkit_poetry import Poetry

from .front_end import LockFrontEnd, packages
from .told import telling

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnbkit.testing import BuildpackRun

    from .conftest import Published

# Of a library that Poetry imports to read locks before 2.1.
pytestmark = pytest.mark.filterwarnings("ignore:open_text is deprecated:DeprecationWarning")

ENV = telling(python="/usr/bin/python3", python_version="3.11.2", inputs=["poetry.lock"])
PROJECT = """
[tool.poetry]
name = "Demo_App"
version = "0.1.0"
description = ""
authors = []
[tool.poetry.dependencies]
python = "^3.11"
six = "^1.17"
lib = { path = "lib", develop = true }
colorama = { version = "*", markers = "sys_platform == 'win32'" }
toml = { version = "*", python = ">=3.12" }
markupsafe = { version = "*", markers = "platform_machine == 'aarch64'" }
packaging = { version = "*", optional = true }
[tool.poetry.extras]
gpu = ["packaging"]
[tool.poetry.group.dev.dependencies]
pluggy = "*"
[tool.poetry.group.train]
optional = true
[tool.poetry.group.train.dependencies]
click = "*"
[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
"""
LIBRARY = """
[project]
name = "lib"
version = "0.1.0"
dependencies = ["idna"]
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
"""
FILES = {"pyproject.toml": PROJECT, "lib/pyproject.toml": LIBRARY, "demo_app/__init__.py": ""}
MAIN = {"demo-app", "lib", "six", "idna"}


def locked(folder: Path, files: Mapping[str, str], index: str) -> Path:
    """An app with these files and Poetry's lock of them, everything from one index."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    with (folder / "pyproject.toml").open("a") as file:
        file.write(f'[[tool.poetry.source]]\nname = "own"\nurl = "{index}"\n')
    home = folder.with_name(f"{folder.name}-home")
    subprocess.run(
        [Path(sys.executable).with_name("poetry"), "lock", "--quiet"],
        cwd=folder,
        check=True,
        env={**os.environ, "HOME": str(home), "POETRY_VIRTUALENVS_CREATE": "false"},
    )
    return folder


def read(app: Path, name: str) -> dict[str, Any]:
    return tomllib.loads((app / name).read_text())


def in_step(files: dict[str, bytes | str], lock: dict[str, Any]) -> dict[str, bytes | str]:
    """The files with a lock that has the content hash of their pyproject.toml."""
    text = files["pyproject.toml"]
    project = tomllib.loads(text if isinstance(text, str) else text.decode())
    lock["metadata"]["content-hash"] = Locker(Path("poetry.lock"), project)._content_hash
    return {**files, "poetry.lock": tomli_w.dumps(lock)}


@pytest.fixture(scope="module")
def sourced(tmp_path_factory: pytest.TempPathFactory, published_six: Published) -> Path:
    """An app with a source of its own."""
    files = {**FILES}
    return locked(tmp_path_factory.mktemp("app") / "app", files, published_six.simple)


@pytest.fixture(scope="module")
def app(sourced: Path) -> dict[str, bytes | str]:
    """The same, from the default index, as Poetry would lock it if that spoke its own API."""
    lock = read(sourced, "poetry.lock")
    for package in lock["package"]:
        if package.get("source", {}).get("type") == "legacy":
            del package["source"]
    return in_step(
        {"pyproject.toml": PROJECT, "lib/pyproject.toml": LIBRARY, "demo_app/__init__.py": ""}, lock
    )


def as_2_0(lock: dict[str, Any]) -> dict[str, Any]:
    """What Poetry 1.3 to 1.8 would have written."""
    for package in lock["package"]:
        package.pop("markers", None)
        del package["groups"]
    lock["metadata"]["lock-version"] = "2.0"
    return lock


def as_1_1(lock: dict[str, Any]) -> dict[str, Any]:
    """What Poetry 1.1 and 1.2 would have written."""
    dev = {each["name"] for each in lock["package"] if "main" not in each["groups"]}
    lock = as_2_0(lock)
    for package in lock["package"]:
        package["category"] = "dev" if package["name"] in dev else "main"
    lock["metadata"]["files"] = {each["name"]: each.pop("files") for each in lock["package"]}
    # Poetry 1.1 kept the files of all locked versions in one list.
    lock["metadata"]["files"]["six"].append(
        {"file": "six-1.16.0-py2.py3-none-any.whl", "hash": f"sha256:{'0' * 64}"}
    )
    lock["metadata"]["lock-version"] = "1.1"
    return lock


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(each): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


@pytest.mark.fetches
@pytest.mark.parametrize("older", [dict, as_2_0, as_1_1])
def test_the_project_and_its_dependencies_without_network_and_without_a_trace(
    buildpack_run: BuildpackRun,
    app: dict[str, bytes | str],
    older: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def connect(*address: object) -> None:
        raise AssertionError(f"connects to {address}")

    monkeypatch.setattr(socket.socket, "connect", connect)
    files = in_step(app, older(tomllib.loads(str(app["poetry.lock"]))))
    result = buildpack_run(Poetry, app=files, env=ENV)
    found = packages(result)
    assert found.keys() == MAIN
    assert all(line.startswith("  ") for line in result.log.splitlines() if "poetry 0" not in line)
    assert found["demo-app"]["directory"] == {"path": str(result.app), "editable": True}
    assert found["lib"]["directory"] == {"path": f"{result.app}/lib", "editable": True}
    assert found["six"]["version"] == "1.17.0"
    assert len(found["six"]["wheels"][0]["hashes"]["sha256"]) == 64
    assert found["six"]["sdist"]["name"] == "six-1.17.0.tar.gz"
    assert all("marker" not in entry and "index" not in entry for entry in found.values())
    assert result.layer("lock").types == {"cache"}

    assert {name.removeprefix(f"{result.app}/") for name in files_below(result.app)} == {*app}
    assert files_below(result.app.with_name("home")) == {}


def test_all_formats_give_the_same_lock(
    buildpack_run: BuildpackRun, app: dict[str, bytes | str]
) -> None:
    env = {**ENV, "BP_PYTHON_GROUPS": "train,dev", "BP_PYTHON_EXTRAS": "gpu"}
    first = buildpack_run(Poetry, app=app, env=env)
    expected = packages(first)
    assert expected.keys() == MAIN | {"click", "packaging", "pluggy"}
    for older in (as_2_0, as_1_1):
        files = in_step(app, older(tomllib.loads(str(app["poetry.lock"]))))
        assert packages(first.rebuild(app=files)) == expected


def test_groups_and_extras_are_added_and_those_for_tests_in_a_test_image(
    buildpack_run: BuildpackRun, app: Mapping[str, str]
) -> None:
    env = {**ENV, "BP_PYTHON_GROUPS": "Train", "BP_PYTHON_EXTRAS": "gpu"}
    chosen = buildpack_run(Poetry, app=app, env=env)
    assert packages(chosen).keys() == MAIN | {"click", "packaging"}
    assert "with group train, extra gpu" in chosen.log
    tested = chosen.rebuild(
        env={"BP_PYTHON_GROUPS": None, "BP_PYTHON_EXTRAS": None}, exec_env="test"
    )
    assert packages(tested).keys() == MAIN | {"pluggy"}


class TestLockFrontEnd(LockFrontEnd):
    kind = Poetry
    env = ENV
    lock = "poetry.lock"
    own = ("cnbkit_poetry.", "poetry")
    always = MAIN

    @pytest.fixture(params=[dict, as_2_0, as_1_1])
    def marked(
        self, request: pytest.FixtureRequest, app: dict[str, bytes | str]
    ) -> dict[str, bytes | str]:
        return in_step(app, request.param(tomllib.loads(str(app["poetry.lock"]))))


def test_a_project_that_is_no_package_is_not_installed(
    buildpack_run: BuildpackRun, app: dict[str, bytes | str]
) -> None:
    lock = tomllib.loads(str(app["poetry.lock"]))
    text = PROJECT.replace('version = "0.1.0"', "package-mode = false", 1)
    files = in_step({**app, "pyproject.toml": text}, lock)
    assert packages(buildpack_run(Poetry, app=files, env=ENV)).keys() == MAIN - {"demo-app"}


def test_a_source_is_named_without_its_credentials(
    buildpack_run: BuildpackRun, sourced: Path, published_six: Published
) -> None:
    simple = published_six.simple
    with_user = simple.replace("://", "://someone:secret@")
    lock = read(sourced, "poetry.lock")
    files = {
        "pyproject.toml": (sourced / "pyproject.toml").read_text().replace(simple, with_user),
        "lib/pyproject.toml": LIBRARY,
    }
    for package in lock["package"]:
        if package.get("source", {}).get("type") == "legacy":
            package["source"]["url"] = with_user
    result = buildpack_run(Poetry, app=in_step(dict(files), lock), env=ENV)
    found = packages(result)
    assert found["six"]["index"] == simple
    assert "index" not in found["lib"]
    assert "secret" not in result.layer("lock").text("pylock.toml") + result.log


@pytest.mark.fetches
def test_git_url_and_file_dependencies_of_a_project_in_the_standard_table(
    buildpack_run: BuildpackRun, tmp_path: Path, published_six: Published, eggs_repository: Path
) -> None:
    app = tmp_path / "made"
    app.mkdir()
    with zipfile.ZipFile(app / "spam-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("spam.py", "")
        info = "spam-1.0.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: spam\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    project = f"""
[project]
name = "demo"
version = "1"
requires-python = ">=3.11"
dependencies = [
    "eggs",
    "six @ {published_six.wheel}",
    "spam",
]
[dependency-groups]
viz = ["idna"]
[tool.poetry.dependencies]
spam = {{ path = "spam-1.0-py3-none-any.whl" }}
eggs = {{ git = "file://{eggs_repository}", branch = "main", subdirectory = "py" }}
"""
    locked(app, {"pyproject.toml": project, "demo.py": ""}, published_six.simple)
    result = buildpack_run(Poetry, app=app, env={**ENV, "BP_PYTHON_GROUPS": "viz"})
    found = packages(result)
    assert found.keys() == {"demo", "eggs", "six", "spam", "idna"}
    vcs = found["eggs"]["vcs"]
    assert len(vcs.pop("commit-id")) == 40
    assert vcs == {
        "type": "git",
        "url": f"file://{eggs_repository}",
        "requested-revision": "main",
        "subdirectory": "py",
    }
    assert found["six"]["archive"]["url"] == published_six.wheel
    assert len(found["six"]["archive"]["hashes"]["sha256"]) == 64
    path = result.app / "spam-1.0-py3-none-any.whl"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert found["spam"]["archive"] == {"path": str(path), "hashes": {"sha256": digest}}

    project = (app / "pyproject.toml").read_text()
    gone = result.rebuild(app={path.name: None, "pyproject.toml": f"{project}# again\n"})
    assert gone.code == 65
    assert f"spam: there is no {path.name}" in gone.log


def without_hashes(lock: dict[str, Any]) -> dict[str, Any]:
    for package in lock["package"]:
        if package["name"] in ("six", "idna"):
            package["files"] = []
    return lock


def without_versions(lock: dict[str, Any]) -> dict[str, Any]:
    for package in lock["package"]:
        del package["version"]
    return lock


def of_the_future(lock: dict[str, Any]) -> dict[str, Any]:
    lock["metadata"]["lock-version"] = "3.0"
    return lock


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (without_hashes, "six: poetry.lock has no SHA-256 sum of any file"),
        (without_versions, "KeyError: 'version'"),
        (of_the_future, "not compatible with the current version of Poetry"),
    ],
)
def test_a_lock_that_cannot_be_used_is_explained(
    buildpack_run: BuildpackRun, app: dict[str, bytes | str], change: Any, detail: str
) -> None:
    files = in_step(app, change(tomllib.loads(str(app["poetry.lock"]))))
    result = buildpack_run(Poetry, app=files, env=ENV)
    assert result.code == 65
    assert result.fault is not None
    assert result.fault.where == "poetry.lock"
    assert "run `poetry lock`" in (result.fault.remedy or "")
    assert detail in (result.fault.detail or "")


@pytest.mark.parametrize(
    ("files", "env", "what", "where", "remedy"),
    [
        pytest.param(
            {"pyproject.toml": PROJECT.replace("^1.17", "^1.16")},
            {},
            "poetry.lock is out of step with pyproject.toml",
            "poetry.lock",
            "run `poetry lock` and commit poetry.lock",
            id="another requirement",
        ),
        pytest.param(
            {"poetry.lock": "<<<<<<< ours\n"},
            {},
            "git has left a conflict in poetry.lock",
            "poetry.lock:1",
            "run `poetry lock`",
            id="conflict in the lock",
        ),
        pytest.param(
            {"poetry.lock": "a = 1\nb =\n"},
            {},
            "poetry.lock is not TOML: Invalid value",
            "poetry.lock:2",
            "run `poetry lock`",
            id="no TOML",
        ),
        pytest.param(
            {"poetry.lock": "package = 1\nmetadata = 2\n"},
            {},
            "Poetry cannot read poetry.lock",
            "poetry.lock",
            "run `poetry lock`",
            id="wrong types",
        ),
        pytest.param(
            {"poetry.lock": b"\xff"},
            {},
            "poetry.lock is not UTF-8",
            "poetry.lock:1",
            "UTF-8",
            id="not UTF-8",
        ),
        pytest.param(
            {"pyproject.toml": "[tool.poetry\n"},
            {},
            "pyproject.toml",
            "pyproject.toml:1",
            "correct the file",
            id="project is not TOML",
        ),
        pytest.param(
            {"pyproject.toml": '# x\n[project]\nversion = "1"\n[tool.poetry]\nname = "x"\n'},
            {},
            "Poetry cannot read pyproject.toml: [project] has no name",
            "pyproject.toml:2",
            "add the line `name = …` below [project]",
            id="project without a name",
        ),
        pytest.param(
            {"pyproject.toml": "[tool.poetry]\nname = 1\n"},
            {},
            "Poetry cannot read pyproject.toml",
            "pyproject.toml",
            "poetry check",
            id="project is invalid",
        ),
        pytest.param(
            {"pyproject.toml": None},
            {},
            "there is a poetry.lock without its pyproject.toml",
            "poetry.lock",
            "add pyproject.toml",
            id="no project",
        ),
        pytest.param(
            {},
            {"BP_PYTHON_GROUPS": "train trian"},
            "pyproject.toml has no group trian",
            "BP_PYTHON_GROUPS",
            "take one of these: dev, train",
            id="unknown group",
        ),
        pytest.param(
            {},
            {"BP_PYTHON_EXTRAS": "cpu"},
            "pyproject.toml has no extra cpu",
            "BP_PYTHON_EXTRAS",
            "take one of these: gpu",
            id="unknown extra",
        ),
        pytest.param(
            {},
            telling(ENV, python_version="3.10.4"),
            "the project wants Python ^3.11, and this image has 3.10.4",
            "pyproject.toml:8",
            "BP_PYTHON_VERSION",
            id="another Python",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_remedy(
    buildpack_run: BuildpackRun,
    app: Mapping[str, str],
    files: Mapping[str, str],
    env: Mapping[str, str],
    what: str,
    where: str,
    remedy: str,
) -> None:
    good = buildpack_run(Poetry, app=app, env=ENV)
    bad = good.rebuild(app=files, env={**ENV, **env})
    assert bad.code == 65, bad.log
    assert bad.fault is not None
    assert bad.fault.what.startswith(what)
    assert bad.fault.where == where
    assert remedy in (bad.fault.remedy or "")


def test_another_input_leaves_the_lock_alone(
    buildpack_run: BuildpackRun, app: Mapping[str, str]
) -> None:
    result = buildpack_run(Poetry, app=app, env=telling(ENV, inputs=["uv.lock"]))
    assert result.layers == []
    assert "poetry.lock is left alone: dependencies come from uv.lock" in result.log


@pytest.mark.parametrize("file", ["pyproject.toml", "poetry.lock"])
def test_a_marker_that_is_none_is_explained(
    buildpack_run: BuildpackRun, app: Mapping[str, bytes | str], file: str
) -> None:
    content = app[file]
    text = content if isinstance(content, str) else content.decode()
    start = text.index("markers = ")
    line = text[start : text.index("\n", start)]
    assert "sys_platform" in line
    wrong = line.replace("sys_platform", "python3 sys_platform")
    result = buildpack_run(Poetry, app={**app, file: text.replace(line, wrong)}, env=ENV)
    assert isinstance(result.fault, UserFault), result.log
    assert result.fault.where == file
    assert "poetry" in (result.fault.remedy or "")


@pytest.mark.parametrize("file", ["pyproject.toml", "poetry.lock"])
def test_a_byte_order_mark_is_refused_as_the_tool_does(
    buildpack_run: BuildpackRun, app: Mapping[str, bytes | str], file: str
) -> None:
    content = app[file]
    data = content.encode() if isinstance(content, str) else content
    result = buildpack_run(Poetry, app={**app, file: b"\xef\xbb\xbf" + data}, env=ENV)
    assert isinstance(result.fault, UserFault), result.log
    assert result.fault.where == f"{file}:1"
    assert "without a byte order mark" in (result.fault.remedy or "")


def test_a_package_beside_the_app_is_told_with_what_to_build_instead(
    buildpack_run: BuildpackRun, app: Mapping[str, bytes | str]
) -> None:
    text = str(app["pyproject.toml"]).replace('path = "lib"', 'path = "../lib"')
    lock = str(app["poetry.lock"]).replace('url = "lib"', 'url = "../lib"')
    result = buildpack_run(
        Poetry, app=in_step({**app, "pyproject.toml": text}, tomllib.loads(lock)), env=ENV
    )
    assert result.code == 65
    assert result.fault is not None
    assert result.fault.what == "../lib is outside the app, and not in the build"
    number = text.splitlines().index('lib = { path = "../lib", develop = true }') + 1
    assert result.fault.where == f"pyproject.toml:{number}"


@pytest.mark.parametrize("build_system", [True, False])
def test_a_project_that_is_no_package_is_left_out_until_it_is_one(
    buildpack_run: BuildpackRun, app: Mapping[str, bytes | str], build_system: bool
) -> None:
    """Poetry installs the others, and says that it cannot install this one."""
    text = str(app["pyproject.toml"])
    text = text if build_system else text.partition("[build-system]")[0]
    files = in_step({**app, "pyproject.toml": text}, tomllib.loads(str(app["poetry.lock"])))
    del files["demo_app/__init__.py"]
    result = buildpack_run(Poetry, app=files, env=ENV)
    assert packages(result).keys() == MAIN - {"demo-app"}
    assert "demo-app itself is not installed: there is no folder demo_app" in result.log
    if build_system:
        found = packages(result.rebuild(app={"src/demo_app/__init__.py": ""}))
        assert found.keys() == MAIN


@pytest.mark.parametrize("name", ["Demo App", "demo app!", "-"])
def test_a_project_whose_name_no_package_can_have_is_left_out(
    buildpack_run: BuildpackRun, app: Mapping[str, bytes | str], name: str
) -> None:
    """Poetry installs it, pip and uv cannot read its name."""
    text = str(app["pyproject.toml"]).replace('name = "Demo_App"', f'name = "{name}"')
    assert name in text
    files = in_step({**app, "pyproject.toml": text}, tomllib.loads(str(app["poetry.lock"])))
    result = buildpack_run(Poetry, app=files, env=ENV)
    assert packages(result).keys() == MAIN - {"demo-app"}
    assert f"{name} itself is not installed, because that is not a name of a package" in result.log
    assert f'write name = "{"demo-app" if "emo" in name else "app"}"' in result.log


def test_a_package_needs_no_build_system_as_with_poetry(
    buildpack_run: BuildpackRun, app: Mapping[str, bytes | str]
) -> None:
    text = str(app["pyproject.toml"]).partition("[build-system]")[0]
    lock = tomllib.loads(str(app["poetry.lock"]))
    files = in_step({**app, "pyproject.toml": text}, lock)
    result = buildpack_run(Poetry, app=files, env=ENV)
    assert packages(result).keys() == MAIN, result.log

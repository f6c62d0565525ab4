"""The pdm buildpack: a lock made by PDM itself, and what it writes for other projects."""

from __future__ import annotations

import hashlib
import json
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

from cnbkit import UserFault
from cnbkit_pdm import Pdm

from .front_end import LockFrontEnd, packages
from .told import telling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cnbkit.testing import BuildpackRun

    from .conftest import Published

# PDM itself asks for its data in an old way.
pytestmark = pytest.mark.filterwarnings("ignore:open_binary is deprecated:DeprecationWarning")

# With the dependencies it was released with: its tool does not work with later ones.
TOOL = "pdm[locked]==2.29.3"
ENV = telling(python="/usr/bin/python3", python_version="3.11.2", inputs=["pdm.lock"])
WHEEL = "spam-1.0-py3-none-any.whl"
PROJECT = """
[project]
name = "Demo_App"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = [
    "six",
    "httpcore[socks]",
    "colorama; sys_platform == 'win32'",
    "toml; python_version >= '3.12'",
    "markupsafe; platform_machine == 'aarch64'",
    "spam @ file:///${PROJECT_ROOT}/spam-1.0-py3-none-any.whl",
]
[project.optional-dependencies]
gpu = ["packaging"]
[dependency-groups]
dev = ["pluggy"]
train = ["click", "lib @ file:///${PROJECT_ROOT}/lib"]
[build-system]
requires = ["pdm-backend"]
build-backend = "pdm.backend"
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
MAIN = {"demo-app", "six", "httpcore", "socksio", "certifi", "h11", "spam"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes | str]:
    """An app and what `pdm lock` makes of it."""
    root = tmp_path_factory.mktemp("pdm")
    folder = root / "app"
    (folder / "lib").mkdir(parents=True)
    (folder / "lib" / "pyproject.toml").write_text(LIBRARY)
    (folder / "pyproject.toml").write_text(PROJECT)
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        wheel.writestr("spam.py", "")
        info = "spam-1.0.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: spam\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    uv = Path(sys.executable).with_name("uv")
    run = (str(uv), "tool", "run", "--quiet", "--python", sys.executable, "--from", TOOL)
    subprocess.run(
        [*run, "pdm", "lock", "--quiet", "--group", ":all"],
        cwd=folder,
        check=True,
        env={
            **os.environ,
            "PDM_CACHE_DIR": str(root / "cache"),
            "PDM_CHECK_UPDATE": "false",
            "PDM_CONFIG_FILE": str(root / "config.toml"),
            "PDM_LOG_DIR": str(root / "log"),
            "PDM_PYTHON": sys.executable,
        },
    )
    names = ("pyproject.toml", "lib/pyproject.toml", "pdm.lock", WHEEL)
    return {name: (folder / name).read_bytes() for name in names}


def locked(app: Mapping[str, bytes | str], change: Callable[[dict[str, Any]], object]) -> str:
    """The lock with something changed."""
    lock = tomllib.loads(text(app["pdm.lock"]))
    change(lock)
    return tomli_w.dumps(lock)


def in_step(folder: Path, project: str, lock: str) -> dict[str, bytes | str]:
    """A project and a lock with its content hash, as PDM computes it."""
    # Here, where its warning is expected.
    from pdm.project.project_file import PyProject
    from pdm.termui import UI

    folder.mkdir()
    (folder / "pyproject.toml").write_text(project)
    document = tomllib.loads(lock)
    digest = PyProject(folder / "pyproject.toml", ui=UI()).content_hash()
    document["metadata"]["content_hash"] = f"sha256:{digest}"
    return {"pyproject.toml": project, "pdm.lock": tomli_w.dumps(document)}


@pytest.mark.fetches
def test_a_lock_of_an_older_pdm_is_in_step_by_the_hash_of_that(
    buildpack_run: BuildpackRun, app: Mapping[str, bytes | str]
) -> None:
    project = tomllib.loads(text(app["pyproject.toml"]))

    def older(declared: Mapping[str, Any]) -> str:
        # As PDM did for lock_version 4.4: of [tool.pdm.resolution] its overrides alone.
        pdm, table = declared.get("tool", {}).get("pdm", {}), declared["project"]
        hashed = {
            "sources": pdm.get("source", []),
            "dependencies": table.get("dependencies", []),
            "dev-dependencies": pdm.get("dev-dependencies", {}),
            "optional-dependencies": table.get("optional-dependencies", {}),
            "requires-python": table.get("requires-python", ""),
            "overrides": pdm.get("resolution", {}).get("overrides", {}),
        }
        return hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()

    def written(digest: str) -> str:
        return locked(app, lambda lock: lock["metadata"].update(content_hash=f"sha256:{digest}"))

    result = buildpack_run(Pdm, app={**app, "pdm.lock": written(older(project))})
    assert result.code == 0, result.log
    project["project"]["dependencies"] = ["other"]
    result = buildpack_run(Pdm, app={**app, "pdm.lock": written(older(project))})
    assert result.fault is not None
    assert result.fault.what == "pdm.lock is out of step with pyproject.toml"


def text(content: bytes | str) -> str:
    return content if isinstance(content, str) else content.decode()


def files_below(folder: Path) -> list[str]:
    return [str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file()]


@pytest.mark.fetches
def test_the_project_and_its_dependencies_without_network_and_without_a_trace(
    buildpack_run: BuildpackRun,
    app: Mapping[str, bytes | str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def connect(*address: object) -> None:
        raise AssertionError(f"connects to {address}")

    monkeypatch.setattr(socket.socket, "connect", connect)
    result = buildpack_run(Pdm, app=app, env=ENV)
    found = packages(result)
    assert found.keys() == MAIN
    assert found["demo-app"]["directory"] == {"path": str(result.app), "editable": True}
    assert found["spam"]["archive"]["path"] == f"{result.app}/{WHEEL}"
    assert len(found["spam"]["archive"]["hashes"]["sha256"]) == 64
    assert len(found["six"]["wheels"][0]["hashes"]["sha256"]) == 64
    assert found["six"]["sdist"]["name"].endswith(".tar.gz")
    assert all("marker" not in entry and "index" not in entry for entry in found.values())
    assert result.layer("lock").types == {"cache"}

    assert sorted(files_below(result.app)) == sorted(app)
    assert files_below(result.app.with_name("home")) == []


def test_groups_and_extras_are_added_and_those_for_tests_in_a_test_image(
    buildpack_run: BuildpackRun, app: Mapping[str, bytes | str]
) -> None:
    env = {**ENV, "BP_PYTHON_GROUPS": "Train", "BP_PYTHON_EXTRAS": "gpu"}
    chosen = buildpack_run(Pdm, app=app, env=env)
    found = packages(chosen)
    assert found.keys() == MAIN | {"click", "lib", "idna", "packaging"}
    assert found["lib"]["directory"] == {"path": f"{chosen.app}/lib", "editable": False}
    assert "with group train, extra gpu" in chosen.log
    tested = chosen.rebuild(
        env={"BP_PYTHON_GROUPS": None, "BP_PYTHON_EXTRAS": None}, exec_env="test"
    )
    assert packages(tested).keys() == MAIN | {"pluggy"}


class TestLockFrontEnd(LockFrontEnd):
    kind = Pdm
    env = ENV
    lock = "pdm.lock"
    own = ("cnbkit_pdm.", "pdm.")
    always = MAIN


@pytest.mark.fetches
def test_git_and_sources_keep_their_place(
    buildpack_run: BuildpackRun,
    app: Mapping[str, bytes | str],
    tmp_path: Path,
    published_six: Published,
) -> None:
    commit = "a" * 40

    def change(lock: dict[str, Any]) -> None:
        lock["metadata"]["strategy"] = ["inherit_metadata", "static_urls"]
        lock["package"] = [each for each in lock["package"] if each["name"] in ("six", "click")]
        for package in lock["package"]:
            package["groups"] = ["default"]
        lock["package"].append(
            {
                "name": "eggs",
                "version": "2.0",
                "git": "https://me:secret@example.com/eggs.git",
                "ref": "main",
                "revision": commit,
                "subdirectory": "py",
                "groups": ["default"],
            }
        )
        url = published_six.wheel.replace("://", "://me:secret@")
        lock["package"][-2]["files"] = [{"url": url, "hash": f"sha256:{'1' * 64}"}]

    project = """
[project]
name = "demo"
version = "1"
requires-python = ">=3.11"
[tool.pdm]
distribution = false
[[tool.pdm.source]]
name = "own"
url = "https://me:secret@index.example.com/simple"
include_packages = ["cl*"]
[[tool.pdm.source]]
name = "other"
url = "https://other.example.com/simple"
"""
    files = in_step(tmp_path / "made", project, locked(app, change))
    result = buildpack_run(Pdm, app=files, env=ENV)
    found = packages(result)
    assert found.keys() == {"click", "eggs", "six"}
    assert found["eggs"]["vcs"] == {
        "type": "git",
        "url": "https://example.com/eggs.git",
        "commit-id": commit,
        "requested-revision": "main",
        "subdirectory": "py",
    }
    assert found["click"]["index"] == "https://index.example.com/simple"
    assert found["six"]["wheels"][0]["url"] == published_six.wheel
    assert "does not say which packages are from other" in result.log
    assert "secret" not in result.layer("lock").text("pylock.toml") + result.log


def without_groups(lock: dict[str, Any]) -> None:
    """As before PDM wrote into each package for which groups and platforms it is."""
    lock["metadata"]["strategy"] = ["cross_platform"]
    for package in lock["package"]:
        package.pop("groups", None)
        package.pop("marker", None)


def with_a_table_of_files(lock: dict[str, Any]) -> None:
    """As up to lock_version 4.2."""
    without_groups(lock)
    lock["metadata"]["lock_version"] = "4.2"
    files = {}
    for package in lock["package"]:
        listed = package.pop("files", [])
        files[f"{package['name']} {package['version']}"] = [
            {"url": f"https://files.example.com/a/{each['file']}", "hash": each["hash"]}
            for each in listed
        ]
    lock["metadata"]["files"] = files


def without_a_package(lock: dict[str, Any]) -> None:
    without_groups(lock)
    lock["package"] = [each for each in lock["package"] if each["name"] != "six"]


@pytest.mark.fetches
@pytest.mark.parametrize("older", [without_groups, with_a_table_of_files])
@pytest.mark.parametrize(
    "env",
    [{}, {"BP_PYTHON_GROUPS": "train"}, {"BP_PYTHON_EXTRAS": "gpu"}, {"CNB_EXEC_ENV": "test"}],
)
def test_a_lock_without_groups_gives_what_one_with_them_gives(
    buildpack_run: BuildpackRun,
    app: Mapping[str, bytes | str],
    env: dict[str, str],
    older: Callable[[dict[str, Any]], object],
) -> None:
    def installed(lock: bytes | str) -> list[dict[str, Any]]:
        result = buildpack_run(Pdm, app={**app, "pdm.lock": lock}, env={**ENV, **env})
        assert result.code == 0, result.log
        written = tomllib.loads(result.layer("lock").text("pylock.toml"))
        # Where each run has its app.
        return [{**each, "directory": "", "archive": ""} for each in written["packages"]]

    assert installed(locked(app, older)) == installed(app["pdm.lock"])


def of_the_future(lock: dict[str, Any]) -> None:
    lock["metadata"]["lock_version"] = "5.0"


def for_windows(lock: dict[str, Any]) -> None:
    lock["metadata"]["targets"] = [{"requires_python": ">=3.11", "platform": "windows_amd64"}]


def without_hashes(lock: dict[str, Any]) -> None:
    for package in lock["package"]:
        package["files"] = []


def without_train(lock: dict[str, Any]) -> None:
    lock["metadata"]["groups"].remove("train")


def of_wrong_types(lock: dict[str, Any]) -> None:
    lock["package"] = [1]


@pytest.mark.parametrize(
    ("change", "what", "told"),
    [
        (without_a_package, "PDM cannot read pdm.lock", "the lock has no six"),
        (of_the_future, "PDM cannot read pdm.lock", "lock_version"),
        (for_windows, "pdm.lock is not for Python 3.11.2 on x86_64", "--append"),
        (without_hashes, "6 packages cannot be installed", "spam: pdm.lock has no SHA-256 sum"),
        (without_train, "pdm.lock was made without train", "pdm lock --group :all"),
        (of_wrong_types, "PDM cannot read pdm.lock", "run `pdm lock`"),
    ],
)
def test_a_lock_that_cannot_be_used_is_explained(
    buildpack_run: BuildpackRun,
    app: Mapping[str, bytes | str],
    change: Callable[[dict[str, Any]], None],
    what: str,
    told: str,
) -> None:
    env = {**ENV, "BP_PYTHON_GROUPS": "train"} if change is without_train else ENV
    result = buildpack_run(Pdm, app={**app, "pdm.lock": locked(app, change)}, env=env)
    assert result.code == 65, result.log
    assert result.fault is not None
    assert result.fault.what.startswith(what)
    assert result.fault.where == "pdm.lock"
    assert told in f"{result.fault.remedy}\n{result.fault.detail}"


@pytest.mark.parametrize(
    ("files", "env", "what", "where", "remedy"),
    [
        pytest.param(
            {"pyproject.toml": PROJECT.replace('"six"', '"six<1.17"')},
            {},
            "pdm.lock is out of step with pyproject.toml",
            "pdm.lock",
            "run `pdm lock` and commit pdm.lock",
            id="another requirement",
        ),
        pytest.param(
            {"pdm.lock": "<<<<<<< ours\n"},
            {},
            "git has left a conflict in pdm.lock",
            "pdm.lock:1",
            "run `pdm lock`",
            id="conflict in the lock",
        ),
        pytest.param(
            {"pdm.lock": "a = 1\nb =\n"},
            {},
            "pdm.lock is not TOML: Invalid value",
            "pdm.lock:2",
            "run `pdm lock`",
            id="no TOML",
        ),
        pytest.param(
            {"pdm.lock": "metadata = 1\n"},
            {},
            "PDM cannot read pdm.lock",
            "pdm.lock",
            "run `pdm lock`",
            id="wrong types",
        ),
        pytest.param(
            {"pyproject.toml": '[project]\nname = "demo"\ndependencies = 1\n'},
            {},
            "pdm.lock is out of step with pyproject.toml",
            "pdm.lock",
            "run `pdm lock`",
            id="project with wrong types",
        ),
        pytest.param(
            {"pdm.lock": b"\xff"},
            {},
            "pdm.lock is not UTF-8",
            "pdm.lock:1",
            "UTF-8",
            id="not UTF-8",
        ),
        pytest.param(
            {"pyproject.toml": "[project\n"},
            {},
            "pyproject.toml",
            "pyproject.toml:1",
            "correct the file",
            id="project is not TOML",
        ),
        pytest.param(
            {"pyproject.toml": None},
            {},
            "there is a pdm.lock without its pyproject.toml",
            "pdm.lock",
            "add pyproject.toml",
            id="no project",
        ),
        pytest.param(
            {WHEEL: None, "pyproject.toml": f"{PROJECT}# again\n"},
            {},
            f"spam: there is no {WHEEL}",
            "pdm.lock",
            "run `pdm lock`",
            id="no file",
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
            "the project wants Python >=3.11, and this image has 3.10.4",
            "pyproject.toml:5",
            "BP_PYTHON_VERSION",
            id="another Python",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_remedy(
    buildpack_run: BuildpackRun,
    app: Mapping[str, bytes | str],
    files: Mapping[str, bytes | str],
    env: Mapping[str, str],
    what: str,
    where: str,
    remedy: str,
) -> None:
    good = buildpack_run(Pdm, app=app, env=ENV)
    bad = good.rebuild(app=files, env={**ENV, **env})
    assert bad.code == 65, bad.log
    assert bad.fault is not None
    assert bad.fault.what.startswith(what)
    assert bad.fault.where == where
    assert remedy in (bad.fault.remedy or "")


def test_another_input_leaves_the_lock_alone(
    buildpack_run: BuildpackRun, app: Mapping[str, bytes | str]
) -> None:
    result = buildpack_run(Pdm, app=app, env=telling(ENV, inputs=["uv.lock"]))
    assert result.layers == []
    assert "pdm.lock is left alone: dependencies come from uv.lock" in result.log


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("pyproject.toml", 'requires-python = ">=3.11"', 'requires-python = "python3"'),
        ("pyproject.toml", 'requires-python = ">=3.11"', "requires-python = 3.11"),
        ("pyproject.toml", 'requires-python = ">=3.11"', "requires-python = []"),
        ("pyproject.toml", 'name = "Demo_App"', "name = 3"),
        ("pdm.lock", "groups = [", "groups = true\nx = ["),
        ("pdm.lock", 'requires_python = "', 'requires_python = "python3'),
    ],
)
def test_a_value_of_a_wrong_kind_is_explained(
    buildpack_run: BuildpackRun, app: Mapping[str, bytes | str], file: str, old: str, new: str
) -> None:
    content = text(app[file])
    assert old in content
    changed = {**app, file: content.replace(old, new, 1)}
    result = buildpack_run(Pdm, app=changed, env=ENV)
    assert isinstance(result.fault, UserFault), result.log
    assert result.fault.where in ("pyproject.toml", "pdm.lock")
    assert "pdm lock" in (result.fault.remedy or "")


@pytest.mark.parametrize("file", ["pyproject.toml", "pdm.lock"])
def test_a_byte_order_mark_is_refused_as_the_tool_does(
    buildpack_run: BuildpackRun, app: Mapping[str, bytes | str], file: str
) -> None:
    content = app[file]
    data = content.encode() if isinstance(content, str) else content
    result = buildpack_run(Pdm, app={**app, file: b"\xef\xbb\xbf" + data}, env=ENV)
    assert isinstance(result.fault, UserFault), result.log
    assert result.fault.where == f"{file}:1"
    assert "without a byte order mark" in (result.fault.remedy or "")

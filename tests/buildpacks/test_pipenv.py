"""The pipenv buildpack: a lock made by Pipenv itself, and entries it writes for other Pipfiles."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from plette import Pipfile  # type: ignore[import-untyped]
from plette.pipfiles import DEFAULT_SOURCE_TOML  # type: ignore[import-untyped]

from cnbkit_pipenv import Pipenv

from .front_end import LockFrontEnd, packages
from .told import telling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cnbkit.testing import BuildpackRun

    from .conftest import Published

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
ENV = telling(python="/usr/bin/python3", python_version=f"{MINOR}.2", inputs=["Pipfile.lock"])
PIPFILE = """
[[source]]
name = "main"
url = "{index}"
verify_ssl = true
[[source]]
name = "own"
url = "{own}"
verify_ssl = true
[packages]
six = "==1.17.0"
idna = {{ version = "*", index = "own" }}
colorama = {{ version = "*", markers = "sys_platform == 'win32'" }}
[dev-packages]
pluggy = "*"
[train]
click = "*"
[requires]
python_version = "{minor}"
"""
SUM = "1" * 64


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, published_six: Published) -> Path:
    """An app and what `pipenv lock` makes of it."""
    root = tmp_path_factory.mktemp("pipenv")
    folder = root / "app"
    folder.mkdir()
    index = published_six.simple
    own = index.replace("://", "://${PIPFILE_USER}:${PIPFILE_PASSWORD}@")
    (folder / "Pipfile").write_text(PIPFILE.format(index=index, own=own, minor=MINOR))
    tool = Path(sys.executable).with_name("pipenv")
    subprocess.run(
        [tool, "lock", "--quiet", "--python", sys.executable],
        cwd=folder,
        check=True,
        env={
            **os.environ,
            "HOME": str(root / "home"),
            "WORKON_HOME": str(root / "environments"),
            "PIPENV_IGNORE_VIRTUALENVS": "1",
            "PIPFILE_USER": "someone",
            "PIPFILE_PASSWORD": "secret",
        },
    )
    return folder


def made(pipfile: str, **categories: Any) -> dict[str, str]:
    """A Pipfile and a lock that is in step with it."""
    project = Pipfile.load(io.StringIO(pipfile))
    sources = [dict(each) for each in tomllib.loads(pipfile).get("source", [])]
    meta = {
        "hash": {"sha256": project.get_hash().value},
        "pipfile-spec": 6,
        "requires": tomllib.loads(pipfile).get("requires", {}),
        "sources": sources,
    }
    lock = {"_meta": meta, "default": {}, "develop": {}, **categories}
    return {"Pipfile": pipfile, "Pipfile.lock": json.dumps(lock, indent=4)}


@pytest.mark.fetches
def test_the_default_packages_with_their_indexes(
    buildpack_run: BuildpackRun, app: Path, published_six: Published
) -> None:
    result = buildpack_run(Pipenv, app=app, env=ENV)
    found = packages(result)
    assert found.keys() == {"six", "idna"}
    assert found["six"]["version"] == "1.17.0"
    sums = {each["hashes"]["sha256"] for each in found["six"]["wheels"]}
    # Its wheel and its source distribution.
    assert len(sums) == 2
    assert all(len(each) == 64 for each in sums)
    assert "index" not in found["six"]
    assert found["idna"]["index"] == published_six.simple
    text = result.layer("lock").text("pylock.toml")
    assert "PIPFILE" not in text
    assert "marker" not in text
    assert result.layer("lock").types == {"cache"}


@pytest.mark.fetches
@pytest.mark.parametrize("name", ["dev", "dev-packages", "develop"])
def test_categories_are_groups(buildpack_run: BuildpackRun, app: Path, name: str) -> None:
    result = buildpack_run(Pipenv, app=app, env={**ENV, "BP_PYTHON_GROUPS": f"{name},train"})
    assert packages(result).keys() == {"six", "idna", "pluggy", "click"}
    assert "with group dev, group train" in result.log


_SPELT = """
[packages]
Sphinx = "*"
my_pkg = "*"
[dev-packages]
"Zope.Interface" = "*"
[Train]
X_y = {version = "*", extras = ["Z_z"]}
[scripts]
Go = "x"
[pipenv]
allow_prereleases = true
"""


@pytest.mark.parametrize("lower", [False, True])
def test_the_hash_of_old_and_new_pipenvs_fits_names_in_any_spelling(
    buildpack_run: BuildpackRun, tmp_path: Path, lower: bool
) -> None:
    text = _SPELT.lower().replace("_", "-").replace("zope.", "zope-") if lower else _SPELT
    text = text.replace("allow-pre", "allow_pre")
    (tmp_path / "Pipfile").write_text(text)
    program = "from pipenv.project import Project; print(Project().pipfile.calculate_hash())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), "PIPENV_IGNORE_VIRTUALENVS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    files = made(text)
    lock = json.loads(files["Pipfile.lock"])
    before = lock["_meta"]["hash"]["sha256"]
    now = done.stdout.strip()
    # Names without capitals and underscores hash as they always did.
    assert (before == now) is lower
    for digest in (before, now):
        lock["_meta"]["hash"]["sha256"] = digest
        app = {**files, "Pipfile.lock": json.dumps(lock)}
        assert packages(buildpack_run(Pipenv, app=app, env=ENV)) == {}
    lock["_meta"]["hash"]["sha256"] = now
    other = {**files, "Pipfile": text + "\n[more]\n", "Pipfile.lock": json.dumps(lock)}
    assert "out of step" in str(buildpack_run(Pipenv, app=other, env=ENV).fault)


def test_categories_compare_by_their_one_spelling(buildpack_run: BuildpackRun) -> None:
    entry = {"version": "==1.0", "hashes": [f"sha256:{SUM}"]}
    files = made(
        "[packages]\n[Extra_Tools]\na = '*'\n", Extra_Tools={"a": entry}, Test={"b": entry}
    )
    env = {**ENV, "BP_PYTHON_GROUPS": "extra-tools"}
    assert packages(buildpack_run(Pipenv, app=files, env=env)).keys() == {"a"}
    found = packages(buildpack_run(Pipenv, app=files, env=ENV, exec_env="test"))
    assert found.keys() == {"b"}
    dev = {**ENV, "BP_PYTHON_GROUPS": "Dev_Packages"}
    assert packages(buildpack_run(Pipenv, app=files, env=dev)) == {}


def test_a_test_image_gets_what_tests_need(buildpack_run: BuildpackRun, app: Path) -> None:
    result = buildpack_run(Pipenv, app=app, env=ENV, exec_env="test")
    assert packages(result).keys() == {"six", "idna", "pluggy"}


MARKERS: dict[str, dict[str, Any]] = {
    "always": {},
    "old": {"markers": "python_version < '3.12'"},
    "toml": {"python_version": ">= '3.12'"},
    "markupsafe": {"platform_machine": "== 'aarch64'", "markers": "os_name == 'posix'"},
    "win": {"markers": "sys_platform == 'win32'", "version": "*", "hashes": []},
}


class TestLockFrontEnd(LockFrontEnd):
    kind = Pipenv
    env = ENV
    lock = "Pipfile.lock"
    own = ("cnbkit_pipenv.", "plette")
    always = frozenset({"always"})
    before_3_12 = frozenset({"old"})

    @pytest.fixture
    def marked(self) -> dict[str, str]:
        entry = {"version": "==1.0", "hashes": [f"sha256:{SUM}"]}
        return made("[packages]\n", default={name: {**entry, **m} for name, m in MARKERS.items()})


SOURCES = """
[[source]]
name = "company"
url = "https://${TEAM}:${TOKEN}@${HOST}/simple"
[[source]]
name = "other"
url = "https://${WHOLE}/simple"
[packages]
"""


def test_git_url_and_file_entries_and_hosts_from_variables(buildpack_run: BuildpackRun) -> None:
    commit = "a" * 40
    hashes = [f"sha256:{SUM}"]
    files = made(
        SOURCES,
        default={
            "A_Git": {"git": "https://${TOKEN}@example.com/a.git", "ref": commit, "extras": ["x"]},
            "b-git": {"git": "git@example.com:team/b.git", "ref": commit, "subdirectory": "py"},
            "c-url": {"file": "https://me:pw@example.com/c-1.0-py3-none-any.whl", "hashes": hashes},
            "d-file": {"path": "vendor/d-1.0-py3-none-any.whl", "hashes": hashes},
            "e": {"version": "==1.0", "hashes": hashes},
            "f": {"version": "==1.0+cu128", "hashes": hashes, "index": "other"},
            "app": {"path": ".", "editable": True},
        },
        develop={"e": {"version": "==1.0", "hashes": hashes}},
    )
    files["vendor/d-1.0-py3-none-any.whl"] = ""
    variables = {
        "TEAM": "team",
        "TOKEN": "secret",
        "HOST": "index.example.com:8443",
        "WHOLE": "me:secret@example.org",
        "BP_PYTHON_GROUPS": "dev",
    }
    result = buildpack_run(Pipenv, app=files, env={**ENV, **variables})
    found = packages(result)
    assert found["a-git"]["vcs"] == {
        "type": "git",
        "url": "https://example.com/a.git",
        "commit-id": commit,
    }
    assert found["b-git"]["vcs"]["url"] == "ssh://git@example.com/team/b.git"
    assert found["b-git"]["vcs"]["subdirectory"] == "py"
    assert found["c-url"]["archive"] == {
        "url": "https://example.com/c-1.0-py3-none-any.whl",
        "hashes": {"sha256": SUM},
    }
    path = f"{result.app}/vendor/d-1.0-py3-none-any.whl"
    assert found["d-file"]["archive"] == {"path": path, "hashes": {"sha256": SUM}}
    assert found["e"]["index"] == "https://index.example.com:8443/simple"
    assert found["f"]["version"] == "1.0+cu128"
    assert found["f"]["index"] == "https://example.org/simple"
    assert found["app"]["directory"] == {"path": str(result.app), "editable": True}
    assert "secret" not in result.layer("lock").text("pylock.toml") + result.log


def test_all_packages_that_cannot_be_installed_are_named_at_once(
    buildpack_run: BuildpackRun,
) -> None:
    hashes = [f"sha256:{SUM}"]
    files = made(
        '[[source]]\nname = "s"\nurl = "https://example.com/${TOKEN}/simple"\n'
        '[[source]]\nname = "t"\nurl = "https://${UNSET_HOST}/simple"\n'
        '[[source]]\nname = "good"\nurl = "https://example.org/simple"\n',
        default={
            "no-version": {"version": "*"},
            "no-hash": {"version": "==1", "index": "good"},
            "no-file": {"path": "./gone", "hashes": hashes},
            "no-commit": {"git": "https://example.com/a.git", "ref": "main"},
            "in-hg": {"hg": "https://example.com/a", "ref": "1"},
            "no-marker": {"version": "==1", "hashes": hashes, "markers": "python ?"},
            "secret-path": {"version": "==1", "hashes": hashes},
            "no-host": {"version": "==1", "hashes": hashes, "index": "t"},
            "no-source": {"version": "==1", "hashes": hashes, "index": "u"},
            "twice": {"git": "https://example.com/a.git", "ref": "a" * 40},
        },
        develop={"twice": {"git": "https://example.com/a.git", "ref": "b" * 40}},
    )
    env = {**ENV, "BP_PYTHON_GROUPS": "dev", "TOKEN": "hush-hush"}
    result = buildpack_run(Pipenv, app=files, env=env)
    assert result.code == 65
    assert result.fault is not None
    assert result.fault.what.startswith("10 packages cannot be installed: ")
    detail = result.fault.detail or ""
    for line in (
        "no-version: no version is locked for this Python and platform (*)",
        "no-hash: Pipfile.lock has no SHA-256 sum of any file",
        "no-file: there is no ./gone",
        "no-commit: its ref main is not a commit",
        "in-hg: it is kept in hg, and only git is known",
        "no-marker: its marker is none",
        "secret-path: the path of https://…/${TOKEN}/simple has a variable",
        "no-host: its address needs the variable UNSET_HOST, which is not set",
        "no-source: its source u is not among [[source]]",
        "twice: two categories lock it differently",
    ):
        assert line in detail
    assert "hush-hush" not in result.log


def test_a_package_beside_the_app_is_told_with_what_to_build_instead(
    buildpack_run: BuildpackRun,
) -> None:
    pipfile = '[packages]\nlib = {path = "./../lib", editable = true}\n'
    files = made(pipfile, default={"lib": {"path": "./../lib", "editable": True}})
    result = buildpack_run(Pipenv, app=files, env=ENV)
    assert result.code == 65
    assert result.fault is not None
    assert result.fault.what == "../lib is outside the app, and not in the build"
    assert result.fault.where == "Pipfile:2"


def lock_with(change: Callable[[dict[str, Any]], object]) -> str:
    lock = json.loads(made("[packages]\n")["Pipfile.lock"])
    change(lock)
    return json.dumps(lock)


@pytest.mark.parametrize(
    ("files", "env", "what", "where", "remedy"),
    [
        pytest.param(
            {"Pipfile": '[packages]\nsix = "*"\n'},
            {},
            "Pipfile.lock is out of step with Pipfile",
            "Pipfile.lock",
            "run `pipenv lock` and commit Pipfile.lock",
            id="another requirement",
        ),
        pytest.param(
            {"Pipfile.lock": None},
            telling(ENV, inputs=["Pipfile"]),
            "there is a Pipfile without its Pipfile.lock",
            "Pipfile",
            "run `pipenv lock`",
            id="no lock",
        ),
        pytest.param(
            {"Pipfile": None},
            {},
            "there is a Pipfile.lock without its Pipfile",
            "Pipfile.lock",
            "add Pipfile",
            id="no Pipfile",
        ),
        pytest.param(
            {"Pipfile.lock": '{\n<<<<<<< ours\n"a": 1}'},
            {},
            "git has left a conflict in Pipfile.lock",
            "Pipfile.lock:2",
            "run `pipenv lock`",
            id="conflict in the lock",
        ),
        pytest.param(
            {"Pipfile.lock": '{\n"a": 1,,\n}'},
            {},
            "Pipfile.lock is not JSON: Expecting property name",
            "Pipfile.lock:2",
            "run `pipenv lock`",
            id="no JSON",
        ),
        pytest.param(
            {"Pipfile.lock": "[1]"},
            {},
            "Pipfile.lock is not one",
            "Pipfile.lock",
            "run `pipenv lock`",
            id="wrong type",
        ),
        pytest.param(
            {"Pipfile.lock": lock_with(lambda lock: lock["_meta"].update(sources=[{}]))},
            {},
            "Pipfile.lock is not one",
            "Pipfile.lock",
            "run `pipenv lock`",
            id="source without a name",
        ),
        pytest.param(
            {"Pipfile.lock": lock_with(lambda lock: lock["_meta"].update({"pipfile-spec": 7}))},
            {},
            "Pipfile.lock has the format 7, and only 6 is known",
            "Pipfile.lock",
            "run `pipenv lock`",
            id="another format",
        ),
        pytest.param(
            {"Pipfile": "[packages\n"},
            {},
            "Pipfile",
            "Pipfile:1",
            "correct the file",
            id="Pipfile is not TOML",
        ),
        pytest.param(
            {"Pipfile": "[packages]\nsix = { comit = 'x' }\n"},
            {},
            "Pipfile is not one: Unrecognized Pipfile option(s): comit",
            "Pipfile",
            "pipenv verify",
            id="unknown option",
        ),
        pytest.param(
            {"Pipfile.lock": b"\xff"},
            {},
            "Pipfile.lock is not UTF-8",
            "Pipfile.lock:1",
            "UTF-8",
            id="not UTF-8",
        ),
        pytest.param(
            {},
            {"BP_PYTHON_GROUPS": "trian"},
            "Pipfile.lock has no category trian",
            "BP_PYTHON_GROUPS",
            "take one of these: dev",
            id="unknown category",
        ),
        pytest.param(
            {},
            {"BP_PYTHON_EXTRAS": "gpu"},
            "a Pipfile has no extras",
            "BP_PYTHON_EXTRAS",
            "unset BP_PYTHON_EXTRAS",
            id="an extra",
        ),
        pytest.param(
            made('[packages]\n[requires]\npython_version = "3.9"\n'),
            {},
            f"the project wants Python 3.9, and this image has {MINOR}.2",
            "Pipfile:3",
            "BP_PYTHON_VERSION",
            id="another Python",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_remedy(
    buildpack_run: BuildpackRun,
    files: Mapping[str, str],
    env: Mapping[str, str],
    what: str,
    where: str,
    remedy: str,
) -> None:
    good = buildpack_run(Pipenv, app=made("[packages]\n"), env=ENV)
    assert packages(good) == {}
    bad = good.rebuild(app=files, env={**ENV, **env})
    assert bad.code == 65, bad.log
    assert bad.fault is not None
    assert bad.fault.what.startswith(what)
    assert bad.fault.where == where
    assert remedy in (bad.fault.remedy or "")


@pytest.mark.parametrize("form", ["{}", "{}/", "http:{}", "former"])
def test_a_source_that_is_the_default_index_under_any_address_is_the_default_one(
    buildpack_run: BuildpackRun, form: str
) -> None:
    address = str(tomllib.loads(DEFAULT_SOURCE_TOML)["source"][0]["url"])
    address = {
        "former": address.replace(".org/", ".python.org/"),
        "http:{}": address.replace("https:", "http:"),
    }.get(form, form.format(address))
    hashes = [f"sha256:{'0' * 64}"]
    source = f'[[source]]\nname = "main"\nurl = "{address}"\nverify_ssl = true\n[packages]\n'
    locked = {"six": {"version": "==1.17.0", "hashes": hashes, "index": "main"}}
    result = buildpack_run(Pipenv, app=made(source, default=locked), env=ENV)
    assert "index" not in packages(result)["six"]


def test_a_python_that_somebody_chose_counts_and_the_pipfile_s_is_told(
    buildpack_run: BuildpackRun,
) -> None:
    files = made('[packages]\n[requires]\npython_version = "3.9"\n')
    result = buildpack_run(Pipenv, app=files, env={**ENV, "BP_PYTHON_VERSION": MINOR})
    assert packages(result) == {}
    told = f"Warning: Pipfile:3 wants Python 3.9: BP_PYTHON_VERSION counts ({MINOR}.2)"
    assert told in result.log


def test_another_input_leaves_the_lock_alone(buildpack_run: BuildpackRun) -> None:
    env = telling(ENV, inputs=["uv.lock"])
    result = buildpack_run(Pipenv, app=made("[packages]\n"), env=env)
    assert result.layers == []
    assert "Pipfile.lock is left alone: dependencies come from uv.lock" in result.log

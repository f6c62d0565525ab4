"""A project with a login in an address: git's arguments, layers and logs have none of it."""

from __future__ import annotations

import uuid
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from cnbkit_logins.files import logins_taken_out

from ..e2e.index import PackageIndex, wheel_name
from .git_server import GitServer, home, server
from .test_pip_resolution import INPUT, buildpack, installed
from .test_uv import buildpack as uv
from .test_uv import locked
from .told import telling

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cnbkit.testing import BuildpackRun

__all__ = ["buildpack", "home", "server", "uv"]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[PackageIndex]:
    with closing(PackageIndex(tmp_path / "index", "ann", "not yet")) as made:
        made.add("corplib", "1.0")
        yield made


_DEMO = '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\n'
_BUILT = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
# None needs an index: what is built is built by what is in the folder.
PROJECTS = {
    "dependencies": {"pyproject.toml": _DEMO + 'dependencies = ["demo @ git+{url}@main"]\n'},
    "uv sources": {
        "pyproject.toml": _DEMO
        + 'dependencies = ["demo"]\n[tool.uv.sources]\ndemo = {{ git = "{url}", rev = "main" }}\n'
    },
    "a file that is read": {
        "pyproject.toml": _DEMO + 'dynamic = ["dependencies"]\n' + _BUILT
        + '[tool.setuptools]\npy-modules = []\n'
        + '[tool.setuptools.dynamic]\ndependencies = {{ file = ["requirements.txt"] }}\n',
        "requirements.txt": "demo @ git+{url}\n",
    },
    "a folder beside it": {
        "pyproject.toml": _DEMO + 'dependencies = ["part"]\n'
        '[tool.uv.sources]\npart = {{ path = "part" }}\n',
        "part/pyproject.toml": '[project]\nname = "part"\nversion = "1"\n'
        'dependencies = ["demo @ git+{url}"]\n' + _BUILT + "[tool.setuptools]\npy-modules = []\n",
    },
    "Poetry": {
        "pyproject.toml": '[tool.poetry]\nname = "app"\nversion = "1"\ndescription = ""\n'
        'authors = []\npackages = [{{ include = "app.py" }}]\n'
        '[tool.poetry.dependencies]\npython = ">=3.11"\n'
        'demo = {{ git = "{url}", branch = "main" }}\n'
        '[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n',
    },
}  # fmt: skip


@pytest.mark.parametrize(
    "form",
    [
        each if each == "uv sources" else pytest.param(each, marks=pytest.mark.full)
        for each in PROJECTS
    ],
)
def test_a_project(
    buildpack_run: BuildpackRun, buildpack: Path, server: GitServer, form: str
) -> None:
    url = f"http://{server.login}@{server.host}/team/demo.git"
    files = {name: text.format(url=url) for name, text in PROJECTS[form].items()}
    result = buildpack_run(
        buildpack,
        app={**files, "app.py": ""},
        env={**INPUT, **telling(INPUT, inputs=["pyproject.toml"])},
    )
    assert installed(result).items() >= {"demo": "1.0"}.items()
    assert server.answered
    assert server.seen == []
    assert {name: (result.app / name).read_text() for name in files} == files
    assert {each.name for each in _with(server.secret, result.app.parent)} <= {*files}
    assert server.secret not in result.log


@pytest.mark.full
def test_pip_reads_a_project_without_its_login(
    buildpack_run: BuildpackRun, buildpack: Path, server: GitServer
) -> None:
    url = f"http://{server.login}@{server.host}/team/demo.git"
    text = PROJECTS["dependencies"]["pyproject.toml"].format(url=url)
    result = buildpack_run(
        buildpack,
        app={"pyproject.toml": text},
        env={**INPUT, **telling(INPUT, inputs=["pyproject.toml"]), "BP_PIP_ENGINE": "pip"},
    )
    assert installed(result) == {"demo": "1.0"}
    assert server.answered
    assert server.seen == []


@pytest.mark.full
def test_a_lock_that_uv_has_to_resolve_again(
    buildpack_run: BuildpackRun, uv: Path, server: GitServer, tmp_path: Path
) -> None:
    url = f"http://{server.login}@{server.host}/team/demo.git"
    app = tmp_path / "app"
    app.mkdir()
    for name, content in PROJECTS["a file that is read"].items():
        (app / name).write_text(content.format(url=url))
    locked(app, {})
    server.seen.clear()
    server.answered = 0
    (app / "requirements.txt").write_text(f"demo @ git+{url}@main\n")
    result = buildpack_run(uv, app=app, env={**INPUT, **telling(INPUT, inputs=["uv.lock"])})
    assert result.fault
    assert "out of step" in str(result.fault)
    assert server.answered
    assert server.seen == []
    assert server.secret not in result.log


@pytest.mark.fetches
def test_metadata_of_the_app_has_no_login_of_a_file(
    buildpack_run: BuildpackRun, buildpack: Path, index: PackageIndex
) -> None:
    secret = uuid.uuid4().hex
    index.change_password(secret)
    url = f"http://ann:{secret}@{index.host}/packages/{wheel_name('corplib', '1.0')}"
    text = f'{_DEMO}dependencies = ["corplib @ {url}"]\n{_BUILT}[tool.setuptools]\n'
    text += "py-modules = []\n"
    result = buildpack_run(
        buildpack,
        app={"pyproject.toml": text},
        env={**INPUT, **telling(INPUT, inputs=["pyproject.toml"])},
    )
    assert installed(result).items() >= {"corplib": "1.0", "app": "1"}.items()
    assert (result.app / "pyproject.toml").read_text() == text
    assert result.layers
    assert [name for name in result.layers if _with(secret, result.layers_dir / name)] == []


def test_files_are_as_they_were_whatever_happens(tmp_path: Path) -> None:
    secret = "https://ann:word@host/x"
    files = {"pyproject.toml": f"a = 'git+{secret}'", "requirements.txt": f"git+{secret}\r\n\xff"}
    for name, text in files.items():
        (tmp_path / name).write_bytes(text.encode("latin-1"))
        (tmp_path / name).chmod(0o440)
    (tmp_path / "setup.cfg").symlink_to("pyproject.toml")
    (tmp_path / "setup.py").symlink_to("/etc/hostname")
    before = {path.name: (path.read_bytes(), path.stat()[:9]) for path in tmp_path.iterdir()}

    def fail() -> None:
        with logins_taken_out(str(tmp_path)) as found:
            assert [*found] == ["https://host/x"]
            assert not any(b"word" in (tmp_path / name).read_bytes() for name in files)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    after = {path.name: (path.read_bytes(), path.stat()[:9]) for path in tmp_path.iterdir()}
    assert after == before


def _with(secret: str, folder: Path) -> list[Path]:
    """Files that have it."""
    found = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert found
    return [path for path in found if secret.encode() in path.read_bytes()]

"""Packages from private indexes, by every way a user can name one, with the real lifecycle."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..authority import Authority
from .index import PackageIndex, TlsFront, wheel, wheel_name, write_binding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Project

APP = "import corplib; print(corplib.VERSION)\n"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[PackageIndex]:
    with closing(PackageIndex(tmp_path / "index", "ann", "Sesame-0pen/now")) as made:
        made.add("corplib", "1.0", "1.1")
        yield made


@pytest.fixture
def public(tmp_path: Path) -> Iterator[PackageIndex]:
    """Stands for the public index, where anybody may publish."""
    with closing(PackageIndex(tmp_path / "public")) as made:
        yield made


def test_a_private_index_by_each_kind_of_binding_and_a_new_password(
    project: Project, index: PackageIndex, tmp_path: Path
) -> None:
    project.write({"requirements.txt": "corplib==1.1\n", "app.py": APP})
    quoted = index.with_login(password="Sesame-0pen%2Fnow")
    corp = write_binding(
        tmp_path / "corp",
        "pypi",
        url=index.url,
        username=index.user,
        password=index.password,
        default="true",
    )
    built = project.build("--volume", corp)
    assert f"Default index {index.url} (binding corp (pypi))" in built.output
    assert project.run() == "1.1\n"
    before = project.layers()

    # Another kind of binding for the same index, and another password: nothing is rebuilt.
    index.change_password("changed-Since/then")
    conf = write_binding(
        tmp_path / "conf",
        "pip",
        pip__conf=f"[global]\nindex-url = {quoted}\n",
    )
    again = project.build("--volume", conf)
    assert "unchanged: " in again.output
    assert project.layers() == before

    # And when something is to be installed, the password that is wrong now is not shown.
    project.write({"requirements.txt": "corplib==1.0\n"})
    failed = project.build("--volume", conf, code=51)
    assert "Error: an index forbids access" in failed.output
    assert "binding conf (pip)" in failed.output
    assert "Sesame" not in failed.output

    netrc = write_binding(
        tmp_path / "net",
        "netrc",
        __netrc=f"machine 127.0.0.1\nlogin ann\npassword {index.password}\n",
    )
    project.build("--volume", netrc, "--env", f"BP_PIP_INDEX_URL={index.url}")
    assert project.run() == "1.0\n"


def test_a_name_on_two_indexes_is_taken_from_the_private_one_unless_told_otherwise(
    project: Project, index: PackageIndex, public: PackageIndex, tmp_path: Path
) -> None:
    public.add("corplib", "99.0")
    project.write({"requirements.txt": "corplib\n", "app.py": APP})
    corp = write_binding(
        tmp_path / "corp", "pypi", url=index.url, username="ann", password=index.password
    )
    options = ("--volume", corp, "--env", f"UV_DEFAULT_INDEX={public.url}")
    project.build(*options)
    assert project.run() == "1.1\n"

    # The kept lock would hold on to 1.1.
    strategy = ("--env", "BP_PIP_INDEX_STRATEGY=unsafe-best-match")
    opted = project.build(*options, *strategy, "--clear-cache")
    assert "Warning: index strategy unsafe-best-match" in opted.output
    assert project.run() == "99.0\n"


def test_an_index_behind_a_private_authority_needs_its_certificate(
    project: Project, index: PackageIndex, tmp_path: Path
) -> None:
    authority = Authority("Corporate Root")
    with closing(TlsFront(tmp_path / "front", authority, index)) as front:
        project.write({"requirements.txt": "corplib\n", "app.py": TLS_APP})
        login = {"username": index.user, "password": index.password}
        corp = write_binding(tmp_path / "corp", "pypi", url=front.url, default="true", **login)
        failed = project.build("--volume", corp, code=51)
        assert "Error: the certificate of an index is not trusted" in failed.output
        assert f"where: {front.url}corplib/ (binding corp (pypi))" in failed.output
        assert "a binding of type ca-certificates" in failed.output

        ca = write_binding(tmp_path / "ca", "ca-certificates", root__pem=authority.certificate)
        built = project.build("--volume", corp, "--volume", ca)
        assert "Trusting Corporate Root (binding ca: root.pem)" in built.output
        reach = ("--env", f"INDEX={front.url}")
        assert project.run(*reach) == "401\n"

        # pip trusts it as well; the same image without the binding gets it only at launch.
        late = ("--env", "BP_ENABLE_RUNTIME_CERT_BINDING=true")
        project.build("--volume", corp, *late)
        assert "CERTIFICATE_VERIFY_FAILED" in project.run(*reach)
        assert project.run(*reach, "--volume", ca) == "401\n"
        project.write({"requirements.txt": "corplib==1.0\n"})
        project.build("--volume", corp, "--volume", ca, "--env", "BP_PIP_ENGINE=pip")


# The app itself reaches the index through TLS: it gets as far as being asked for a password.
TLS_APP = """\
import os, urllib.error, urllib.request
try:
    urllib.request.urlopen(os.environ["INDEX"])
except urllib.error.HTTPError as error:
    print(error.code)
except OSError as error:
    print(error)
"""


def test_an_index_that_the_app_names_gets_its_login_from_poetrys_file(
    project: Project, index: PackageIndex, tmp_path: Path
) -> None:
    project.write(
        {
            "pyproject.toml": '[project]\nname = "app"\nversion = "1"\n'
            'dependencies = ["corplib==1.0"]\n[[tool.uv.index]]\nname = "corp"\n'
            f'url = "{index.url}"\ndefault = true\n',
            "app.py": APP,
        }
    )
    auth = f'[http-basic.corp]\nusername = "ann"\npassword = "{index.password}"\n'
    poetry = write_binding(tmp_path / "poetry", "poetry", auth__toml=auth)
    nobody = project.build("--env", "BP_PYTHON_PROJECT=none", code=51)
    assert "Error: an index refuses the login, or asks for one" in nobody.output
    project.build("--env", "BP_PYTHON_PROJECT=none", "--volume", poetry)
    assert project.run() == "1.0\n"


def test_a_package_that_poetry_locked_from_a_private_source_is_fetched_there(
    project: Project, index: PackageIndex, public: PackageIndex, tmp_path: Path
) -> None:
    public.add("corplib", "1.1")
    project.write(
        {
            "pyproject.toml": "[tool.poetry]\npackage-mode = false\n"
            f'[[tool.poetry.source]]\nname = "corp"\nurl = "{index.url}"\n'
            'priority = "explicit"\n[tool.poetry.dependencies]\npython = "^3.11"\n'
            'corplib = { version = "*", source = "corp" }\n',
            "app.py": APP,
        }
    )
    subprocess.run(
        [Path(sys.executable).with_name("poetry"), "lock", "--quiet"],
        cwd=project.app,
        check=True,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "POETRY_VIRTUALENVS_CREATE": "false",
            "POETRY_HTTP_BASIC_CORP_USERNAME": index.user,
            "POETRY_HTTP_BASIC_CORP_PASSWORD": index.password,
        },
    )
    auth = f'[http-basic.corp]\nusername = "ann"\npassword = "{index.password}"\n'
    poetry = write_binding(tmp_path / "poetry", "poetry", auth__toml=auth)
    # The other index has the name, too, and lets everybody in.
    other = ("--env", f"BP_PIP_INDEX_URL={public.url}")
    for engine in ("uv", "pip"):
        project.build("--volume", poetry, *other, "--env", f"BP_PIP_ENGINE={engine}")
        assert project.run() == "1.1\n"
    public.close()
    project.build("--volume", poetry, *other, "--clear-cache")


def test_wheels_in_the_app_are_enough_where_no_index_may_be_asked(project: Project) -> None:
    project.write(
        {
            f"vendor/{wheel_name('corplib', '1.0')}": wheel("corplib", "1.0"),
            "requirements.txt": "corplib\n",
            "app.py": APP,
        }
    )
    offline = ("--env", "BP_PIP_FIND_LINKS=vendor", "--env", "BP_PIP_NO_INDEX=true")
    for engine in ("uv", "pip"):
        built = project.build(*offline, "--env", f"BP_PIP_ENGINE={engine}", "--clear-cache")
        assert "Files of vendor (BP_PIP_FIND_LINKS)" in built.output
        assert project.run() == "1.0\n"

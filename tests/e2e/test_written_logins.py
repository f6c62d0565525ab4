"""Logins that the app's own files have get into the image with those files, and nowhere else."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from .index import PackageIndex, wheel_name, write_binding
from .test_canaries import Canaries, kept, leaks, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Project

WHEEL = wheel_name("corplib", "1.0")
PROJECT = '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.11"\n'
FORMS = {
    "requirements.txt": {"requirements.txt": "corplib @ {url}\n"},
    "pyproject.toml": {"pyproject.toml": PROJECT + 'dependencies = ["corplib @ {url}"]\n'},
    "uv.lock": {
        "pyproject.toml": PROJECT
        + 'dependencies = ["corplib"]\n[tool.uv.sources]\ncorplib = {{ url = "{url}" }}\n'
    },
    "poetry.lock": {
        "pyproject.toml": '[tool.poetry]\nname = "demo"\nversion = "1"\ndescription = ""\n'
        'authors = []\npackage-mode = false\n[tool.poetry.dependencies]\npython = ">=3.11"\n'
        'corplib = {{ url = "{url}" }}\n'
    },
}
LOCKS = {"uv.lock": ("uv", "lock"), "poetry.lock": ("poetry", "lock")}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[PackageIndex]:
    with closing(PackageIndex(tmp_path / "index", "ann", "not yet")) as made:
        made.add("corplib", "1.0")
        yield made


def lock(command: tuple[str, ...], folder: Path) -> None:
    """As the app's author did."""
    name, *arguments = command
    program = Path(sys.executable).with_name(name)
    env = {
        **os.environ,
        "UV_PYTHON": sys.executable,
        "UV_PYTHON_DOWNLOADS": "never",
        "POETRY_VIRTUALENVS_CREATE": "false",
    }
    subprocess.run([program, *arguments], cwd=folder, check=True, env=env)


@pytest.mark.parametrize("form", FORMS)
def test_a_written_login_is_told_and_only_in_the_file_that_has_it(
    form: str, project: Project, index: PackageIndex, tmp_path: Path
) -> None:
    canaries = Canaries()
    password = canaries.make("written")
    index.change_password(password)
    url = f"http://ann:{quote(password, safe='')}@{index.host}/packages/{WHEEL}"
    files = {name: text.format(url=url) for name, text in FORMS[form].items()}
    project.write({**files, "app.py": "import corplib\nprint(corplib.VERSION)\n"})
    if form in LOCKS:
        lock(LOCKS[form], project.app)
    written = {path.name for path in project.app.iterdir() if password[6:-1] in path.read_text()}
    assert written
    binding = write_binding(
        tmp_path / "login",
        "netrc",
        __netrc=f"machine {index.host.partition(':')[0]} login ann password {password}\n",
    )
    # What is read of a lock leaves logins out: there it takes the binding that the warning names.
    options = [f"--volume={binding}"] if form in LOCKS else []
    log = project.build(*options).output
    assert project.run().endswith("1.0\n")

    assert leaks(canaries, "log", [log.encode()]) == []
    for name in written:
        assert f"{name}:" in log.partition(f"has a password for {index.host}")[0]
    found = set()
    for where, data in kept(project):
        for each in unpacked(data):
            if canaries.found_in(each):
                found |= members(where, each, canaries)
    allowed = {f"workspace/{name}" for name in written}
    assert {each for each in found if not each.startswith("cache ")} <= allowed


def members(where: str, data: bytes, canaries: Canaries) -> set[str]:
    """Names of those of a layer in which one is; else where it is."""
    if data[257:262] != b"ustar":
        return {where}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {
            each.name.lstrip("/")
            for each in archive
            if each.isfile()
            and (file := archive.extractfile(each))
            and canaries.found_in(file.read())
        }

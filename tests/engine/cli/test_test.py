"""`cnbkit test` runs a buildpack's tests where everything they need can be imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

CNBKIT = Path(sys.executable).with_name("cnbkit")
PACK = """
from cnbkit import BuildContext, Buildpack, BuildResult, Triggers


class Pack(Buildpack):
    triggers = Triggers("hello.txt")

    def build(self, ctx: BuildContext) -> BuildResult:
        return BuildResult()
"""
TOML = 'api = "0.12"\n[buildpack]\nid = "a/b"\nversion = "1.0.0"\n'
PASSES = """
from pack import Pack


def test_first(buildpack_run):
    assert buildpack_run(Pack, app={"hello.txt": ""}).detected


def test_second(buildpack_run):
    assert not buildpack_run(Pack).detected
"""


def cnbkit(*arguments: str, cwd: Path) -> tuple[int, str]:
    done = subprocess.run(
        [CNBKIT, "test", *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_tests_import_the_buildpack_and_use_the_fixture(tmp_path: Path) -> None:
    write(tmp_path, {"buildpack.toml": TOML, "pack.py": PACK, "tests/test_pack.py": PASSES})
    code, said = cnbkit(cwd=tmp_path)
    assert code == 0, said
    assert "2 passed" in said
    code, said = cnbkit(".", "--", "-k", "second", "-q", cwd=tmp_path)
    assert code == 0, said
    assert "1 passed, 1 deselected" in said


def test_the_exit_status_is_pytests(tmp_path: Path) -> None:
    write(tmp_path, {"buildpack.toml": TOML, "pack.py": PACK})
    assert cnbkit(cwd=tmp_path)[0] == 5  # no tests
    write(tmp_path, {"test_pack.py": "def test_wrong():\n    assert 1 == 2\n"})
    assert cnbkit(cwd=tmp_path)[0] == 1


@pytest.mark.fetches
def test_what_the_lock_names_can_be_imported(tmp_path: Path) -> None:
    lock = Path(__file__).parents[3].joinpath("buildpacks/labels/requirements.lock").read_text()
    test = "import sys, yaml\n\ndef test_it():\n    assert '/requirements/' in yaml.__file__\n"
    write(
        tmp_path,
        {
            "one/buildpack.toml": TOML,
            "one/requirements.lock": lock,
            "one/tests/test_yaml.py": test,
        },
    )
    code, said = cnbkit(".", cwd=tmp_path)
    assert code == 0, said


def test_a_lock_that_cannot_be_installed_is_told(tmp_path: Path) -> None:
    write(tmp_path, {"buildpack.toml": TOML, "requirements.lock": "surely-absent==1\n"})
    code, said = cnbkit(cwd=tmp_path)
    assert code == 69
    assert "cannot install what the buildpack needs" in said
    assert "requirements.lock" in said


def test_a_folder_without_a_buildpack_is_refused(tmp_path: Path) -> None:
    code, said = cnbkit(cwd=tmp_path)
    assert code == 65
    assert "no buildpack.toml" in said
    code, said = cnbkit("absent", cwd=tmp_path)
    assert code == 65
    assert "no such folder" in said


def test_what_no_build_has_is_hidden_from_the_code_and_not_from_its_tests(tmp_path: Path) -> None:
    code = """
import importlib

try:
    import click
except ImportError as error:
    click = None
    SAID = str(error)

import pydantic  # comes with cnbkit
import json


def later():
    import yaml
    return yaml


def by_name():
    return importlib.import_module("yaml.nodes")


def optional():
    try:
        import surely_absent
    except ModuleNotFoundError as error:
        return str(error)
"""
    test = """
import click
import pytest
import yaml
import pack


def test_it():
    assert pack.click is None
    assert "hidden by `cnbkit test`" in pack.SAID
    for function in (pack.later, pack.by_name):
        with pytest.raises(ModuleNotFoundError, match="No module named 'yaml' in a build"):
            function()
    assert pack.optional() == "No module named 'surely_absent'"
"""
    # Of what is imported by name, or after a `try`, nothing can be told before.
    code = code.replace("    import yaml\n", "    yaml = __import__('yaml')\n")
    write(
        tmp_path,
        {"buildpack.toml": TOML, "pack.py": code, "tests/test_pack.py": test},
    )
    ended, said = cnbkit(cwd=tmp_path)
    assert ended == 0, said
    assert "1 passed" in said
    lock = Path(__file__).parents[3].joinpath("buildpacks/labels/requirements.lock").read_text()
    write(
        tmp_path,
        {
            "requirements.lock": lock,
            "tests/test_pack.py": "import pack\n\ndef test_it():\n"
            "    assert pack.later() and pack.by_name()\n    assert pack.click is None\n",
        },
    )
    ended, said = cnbkit(cwd=tmp_path)
    assert ended == 0, said


def test_what_cnbkit_finds_in_the_lock_alone_is_hidden_from_it_too(tmp_path: Path) -> None:
    code = """
from cnbkit import *


class Service(Model):
    port: int


class Pack(Buildpack):
    triggers = Triggers("service.yml")

    def build(self, ctx):
        if ctx.settings.flag("BP_LISTED"):
            bill_of_materials([Component("generic", "a", "1")])
        return BuildResult(labels={"port": str(ctx.app.read("service.yml", Service).port)})
"""
    test = """
from pack import Pack


def test_it(buildpack_run):
    result = buildpack_run(Pack, app={"service.yml": "port: 80"})
    assert result.labels == {"port": "80"}


def test_a_bill(buildpack_run):
    result = buildpack_run(Pack, app={"service.yml": "port: 80"}, env={"BP_LISTED": "1"})
    assert "add cyclonedx-python-lib and spdx-tools to it" in result.log
"""
    write(tmp_path, {"buildpack.toml": TOML, "pack.py": code, "tests/test_pack.py": test})
    ended, said = cnbkit(cwd=tmp_path)
    assert ended == 1
    assert "1 failed, 1 passed" in said
    assert "name pyyaml in requirements.in and lock it" in said
    lock = Path(__file__).parents[3].joinpath("buildpacks/labels/requirements.lock").read_text()
    write(tmp_path, {"requirements.lock": lock})
    ended, said = cnbkit(cwd=tmp_path)
    assert ended == 0, said

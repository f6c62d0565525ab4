"""A project built from a folder is the same in every layer, whenever the folder was copied."""

from __future__ import annotations

import csv
import subprocess
from typing import TYPE_CHECKING

import pytest
from uv import find_uv_bin

from cnbkit_pip.engines.uv_leftovers import remove_leftovers

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = """
[project]
name = "lib"
version = "1"
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[tool.setuptools]
py-modules = ["lib"]
"""


def installed(folder: Path) -> dict[str, bytes]:
    """What uv makes of a project with the same content, written anew."""
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "lib.py").write_text("x = 1\n")
    prefix = folder.parent / f"{folder.name}-prefix"
    command = [find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--no-compile"]
    subprocess.run([*command, "--prefix", str(prefix), str(folder)], check=True)
    assert list(prefix.rglob("uv_cache.json")), "uv leaves nothing any more: drop the module"
    remove_leftovers(str(prefix))
    return {
        path.relative_to(prefix).as_posix(): path.read_bytes()
        for path in prefix.rglob("*")
        if path.is_file()
    }


@pytest.mark.fetches
def test_no_time_of_the_copy_is_left(tmp_path: Path) -> None:
    first, second = (installed(tmp_path / name / "lib") for name in ("one", "two"))
    # The address of the folder is the app's, which is the same in every build.
    names = {name for name in first if not name.endswith(("direct_url.json", "RECORD"))}
    assert len(names) > 3
    assert {name: first[name] for name in names} == {name: second[name] for name in names}
    (record,) = (name for name in first if name.endswith("RECORD"))
    listed = {row[0] for row in csv.reader(first[record].decode().splitlines())}
    site = record.rpartition("/")[0].rpartition("/")[0]
    assert {f"{site}/{name}" for name in listed} == {*first}

"""Packages beside the app, which a lock names and a build has not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit.app import App
from cnbkit_lock_front_end.outside import outside

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = '[project]\nname = "api"\n\n[tool.uv.sources]\nlib = { path = "../lib" }\n'
LOCK = 'version = 1\nsource = { directory = "../lib" }\nsource = { directory = "../more" }\n'


@pytest.fixture
def app(tmp_path: Path) -> App:
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "uv.lock").write_text(LOCK)
    return App(str(folder))


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("../lib", "pyproject.toml:5"),
        # As a tool has it that has made it absolute.
        ("{above}/lib", "pyproject.toml:5"),
        ("x/../../more", "uv.lock:3"),
    ],
)
def test_the_line_that_names_it_is_told_with_what_to_build_instead(
    app: App, tmp_path: Path, path: str, where: str
) -> None:
    fault = outside(app, path.format(above=tmp_path), "pyproject.toml", "uv.lock")
    assert fault is not None
    assert fault.what.endswith("is outside the app, and not in the build")
    assert fault.where == where
    assert "BP_PYTHON_FOLDER=" in (fault.remedy or "")


@pytest.mark.parametrize("path", ["lib", "..lib", "a/../b", ".", "/home/me/lib"])
def test_what_lies_in_the_app_or_on_another_machine_is_not(app: App, path: str) -> None:
    assert outside(app, path, "pyproject.toml", "uv.lock") is None


def test_a_neighbour_is_part_of_a_build_of_the_folder_above(app: App, tmp_path: Path) -> None:
    inner = App(app.root, str(tmp_path))
    assert outside(inner, "../lib", "pyproject.toml") is None
    assert outside(inner, "../../lib", "pyproject.toml") is None  # nobody says so

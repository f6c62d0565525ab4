"""Builders carry nothing of packages that no build can use, and all that one can."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cnbkit_engine.buildpack.left_out import leave_out

pytestmark = pytest.mark.fetches
UV = Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real packages, of which something is left out."""
    folder = tmp_path_factory.mktemp("library")
    named = ("virtualenv", "pip", "installer")
    subprocess.run([UV, "pip", "install", "--quiet", "--target", folder, *named], check=True)
    launchers = {path.parent.name for path in folder.rglob("*.exe")}
    assert launchers >= {"distlib", "_scripts"}
    leave_out(folder)
    return folder


def test_no_launcher_for_windows_is_left(library: Path) -> None:
    assert [*library.rglob("*.exe")] == []


def test_other_programs_stay(tmp_path: Path) -> None:
    for name in ("tool.exe", "t64.exe", "tests/w32.exe"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"MZ")
    leave_out(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*.exe")) == ["tool.exe"]


@pytest.mark.full
def test_virtualenv_still_makes_environments_with_pip(library: Path, tmp_path: Path) -> None:
    seeds = [path.name.partition("-")[0] for path in library.rglob("embed/*.whl")]
    assert sorted(seeds) == sorted({*seeds})
    assert "pip" in seeds
    made = tmp_path / "venv"
    command = ("virtualenv", "--no-download", "--setuptools=bundle", str(made))
    env = {"PYTHONPATH": str(library), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-m", *command], check=True, env=env, capture_output=True)
    told = subprocess.run(
        [made / "bin" / "pip", "--version"], check=True, capture_output=True, text=True
    )
    assert str(made) in told.stdout


@pytest.mark.full
def test_pip_and_installer_still_install_programs(library: Path, tmp_path: Path) -> None:
    env = {"PYTHONPATH": str(library), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    wheels = tmp_path / "wheels"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    subprocess.run([*pip, "download", "--no-deps", "-d", wheels, "tabulate"], check=True)
    [wheel] = wheels.iterdir()
    command = ("installer", "--destdir", str(tmp_path / "root"), str(wheel))
    subprocess.run([sys.executable, "-m", *command], check=True, env=env)
    [program] = (path for path in (tmp_path / "root").rglob("tabulate") if path.is_file())
    assert program.read_text().startswith("#!")
    target = ("--target", str(tmp_path / "target"), str(wheel))
    subprocess.run([*pip, "install", "--no-deps", "--no-index", *target], check=True, env=env)
    assert (tmp_path / "target" / "bin" / "tabulate").exists()

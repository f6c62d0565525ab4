"""What is read of an app on the machine itself, before its sandbox: nothing hangs or leaks."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.base.gpu import asks_for_gpus
from cnbkit_engine.build.asked_python import asked_python
from cnbkit_engine.build.unfit_package import unfit_package
from cnbkit_engine.state.app_text import app_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

READ = (
    *(".python-version", "runtime.txt", ".tool-versions", "pyproject.toml", "Pipfile"),
    *("pylock.toml", "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "requirements.txt"),
    *("hardware.txt", "project.toml", ".dockerignore"),
)
MADE: dict[str, Callable[[Path], None]] = {
    "a pipe": lambda path: os.mkfifo(path),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link out of the app": lambda path: path.symlink_to(path.parent.parent / "secret"),
    "a folder": lambda path: path.mkdir(),
    "gigabytes without contents": lambda path: os.truncate(_made(path), 1 << 40),
}
# In a process of its own: what hangs can be ended, and what takes memory has a limit.
_LOOK = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
from cnbkit.errors import CnbkitError
from cnbkit_engine.base.gpu import asks_for_gpus
from cnbkit_engine.build.app_files import AppFiles
from cnbkit_engine.build.asked_python import asked_python
from cnbkit_engine.build.unfit_package import unfit_package
app = Path(sys.argv[1])
print(asked_python(app, {}), unfit_package(app, {}, "3.13", "3.11"), asks_for_gpus(app, {}, app))
try:
    print(AppFiles(app).texts)
except CnbkitError as fault:
    print(fault)
"""


def _made(path: Path) -> Path:
    path.touch()
    return path


@pytest.mark.parametrize("what", MADE)
def test_whatever_stands_at_a_name_is_passed_over_or_refused(tmp_path: Path, what: str) -> None:
    (tmp_path / "secret").write_text("python 3.11\nhunter2\n")
    app = tmp_path / "app"
    app.mkdir()
    for name in READ:
        MADE[what](app / name)
    done = subprocess.run(
        [sys.executable, "-c", _LOOK, app], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.startswith("None None False\n")
    assert "hunter2" not in done.stdout


def test_files_that_include_each_other_are_read_once(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-r a.txt\n-r requirements.txt\n" * 500)
    (tmp_path / "a.txt").write_text("-c requirements.txt\n-r a.txt\n" * 500 + "numpy==1.24.4\n")
    found = unfit_package(tmp_path, {}, "3.13", "3.11")
    assert found is not None
    assert str(found) == "numpy==1.24.4 in a.txt"


@pytest.mark.parametrize("folder", ["..", "/", "../app/..", "link"])
def test_a_folder_of_the_app_does_not_lead_out_of_it(tmp_path: Path, folder: str) -> None:
    (tmp_path / ".python-version").write_text("3.11\n")
    app = tmp_path / "app"
    app.mkdir()
    (app / "link").symlink_to(tmp_path)
    assert asked_python(app, {"BP_PYTHON_FOLDER": folder}) is None
    assert app_text(app, f"{folder}/.python-version", 100) is None


def test_links_within_the_app_are_followed(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "version").write_text("3.11\n")
    (tmp_path / ".python-version").symlink_to("deploy/version")
    found = asked_python(tmp_path, {})
    assert found is not None
    assert found.text == "3.11"


@pytest.mark.parametrize("version", ["9" * 5_000, f">={'9' * 5_000}"])
def test_numbers_without_end_are_no_version(tmp_path: Path, version: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f'requires-python = "{version}"\n')
    (tmp_path / "requirements.txt").write_text(f"numpy=={version}\n")
    assert asked_python(tmp_path, {}) is None
    assert unfit_package(tmp_path, {}, "3.13", "3.11") is None
    assert not asks_for_gpus(tmp_path, {}, tmp_path)

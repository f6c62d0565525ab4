"""Temporary folders: gone when their block ends, and those of the dead with the next one."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.state.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

_HOLD = """
import sys
from pathlib import Path
from cnbkit_engine.state.workspace import Workspace
with Workspace(Path(sys.argv[1])) as folder:
    (folder / "file").touch()
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("background", [False, True])
def test_it_is_gone_whatever_ended_its_block(tmp_path: Path, background: bool) -> None:
    place = tmp_path / "place"
    with Workspace(place, background=background) as folder:
        closed = folder / "closed"
        closed.mkdir()
        (closed / "file").touch()
        closed.chmod(0)
    _wait_for_locks(place)
    assert [*place.iterdir()] == []
    with pytest.raises(ZeroDivisionError), Workspace(place, background=background):
        _ = 1 / 0
    _wait_for_locks(place)
    assert [*place.iterdir()] == []


def test_the_next_removes_what_has_lost_its_lock(tmp_path: Path) -> None:
    (tmp_path / ".ws-0123456789abcdef" / "deep").mkdir(parents=True)
    with Workspace(tmp_path) as own:
        assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {own.name}
    assert [*tmp_path.iterdir()] == []


def _wait_for_locks(place: Path) -> None:
    """A removal in the background holds the lock until it ends."""
    deadline = time.monotonic() + 60
    while locks := [*place.glob("*.lock")]:
        assert time.monotonic() < deadline, locks
        time.sleep(0.05)


def test_the_next_removes_that_of_a_killed_process_and_none_of_a_living_one(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _HOLD, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with (
        subprocess.Popen(command, **pipes) as living,  # type: ignore[call-overload]
        subprocess.Popen(command, **pipes) as killed,  # type: ignore[call-overload]
    ):
        theirs, left = (each.stdout.readline().strip() for each in (living, killed))
        killed.kill()
        killed.wait()
        with Workspace(tmp_path) as own:
            folders = {str(path) for path in tmp_path.iterdir() if path.is_dir()}
            assert folders == {theirs, str(own)}
            assert left not in folders
        living.stdin.close()
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("background", ["", "background"])
def test_what_is_mounted_below_is_not_emptied(tmp_path: Path, background: str) -> None:
    """As a program leaves it that mounts and is killed; in a namespace that may mount."""
    code = """
import subprocess, sys, time
from pathlib import Path
from cnbkit_engine.state.workspace import Workspace
try:
    with Workspace(Path(sys.argv[1]) / "place", background=bool(sys.argv[2])) as folder:
        (folder / "deep" / "seen").mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "x", folder / "deep" / "seen"], check=True)
        (folder / "deep" / "seen" / "file").touch()
except OSError:
    pass
# Who removes in the background holds the lock's flock until it ends.
import fcntl
for lock in (Path(sys.argv[1]) / "place").glob("*.lock") if sys.argv[2] else ():
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
[kept] = (Path(sys.argv[1]) / "place").rglob("file")
"""
    done = subprocess.run(
        [
            *("unshare", "--user", "--map-root-user", "--mount", sys.executable),
            *("-c", code, str(tmp_path), background),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout

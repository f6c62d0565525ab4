"""A build that is broken off leaves the last image and the cache as they were."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.user_namespace import in_user_namespace

from .conftest import CNBKIT

if TYPE_CHECKING:
    from .conftest import Project

GOOD = {"requirements.txt": "six==1.17.0\n", "app.py": "import six; print('still here')\n"}
# Large enough to be still installing when the signal comes.
LARGE = "six==1.17.0\nscipy==1.16.3\nopencv-python-headless==5.0.0.93\npandas==3.1.1\n"


def wait_for(log: Path, text: str) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if log.exists() and text in log.read_text(errors="replace"):
            return
        time.sleep(0.05)
    raise AssertionError(f"{text!r} never came: {log.read_text(errors='replace')}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_installation(
    project: Project, tmp_path: Path, number: signal.Signals
) -> None:
    project.write(GOOD)
    project.build()
    digest = project.image().digest
    project.write({"requirements.txt": LARGE})

    log = tmp_path / "output"
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    temporary.chmod(0o1777)
    with log.open("wb") as output:
        building = subprocess.Popen(
            # A shell has whatever it starts in the background ignore SIGINT, these tests included.
            ["env", "--default-signal", CNBKIT, "build", str(project.app), "--tag", project.name],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(temporary)},
        )
        wait_for(log, "Installing ")
        building.send_signal(number)
        assert building.wait(60) == 128 + number
    assert "Traceback" not in log.read_text()
    left = [path for path in project.home.tmp.iterdir() if not path.name.startswith(".ws-")]
    assert left == []
    assert [*temporary.iterdir()] == []
    assert not _alive(project.name)

    assert project.image().digest == digest
    assert project.run() == "still here\n"
    project.write(GOOD)
    project.build()
    assert project.image().digest == digest


def test_a_full_disk(project: Project) -> None:
    project.write(GOOD)
    project.build()
    digest = project.image().digest
    project.write({"requirements.txt": LARGE})

    script = 'mount -t tmpfs -o size=50m tmpfs "$1" && shift && exec "$@"'
    command = [CNBKIT, "build", str(project.app), "--tag", project.name]
    done = subprocess.run(
        in_user_namespace(["sh", "-c", script, "sh", str(project.home.tmp), *command]),
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 51, output
    assert "Error: the disk is full" in output, output
    assert "to do: free some space" in output
    assert "Traceback" not in output

    assert project.image().digest == digest
    assert project.run() == "still here\n"
    project.write(GOOD)
    project.build()
    assert project.image().digest == digest


def test_a_disk_that_is_full_between_the_phases_is_told_as_one(project: Project) -> None:
    project.write(GOOD)
    project.build()
    digest = project.image().digest
    script = 'mount -t tmpfs -o "$2" tmpfs "$1" && shift 2 && exec "$@"'
    command = [CNBKIT, "build", str(project.app), "--tag", project.name]
    # Full, or without room for another name, when the app is copied, a phase of the lifecycle
    # writes, a buildpack does, or the exporter.
    told = []
    full = [f"size={size}k" for size in (56, 60, 100, 160, 200)]
    full += [f"nr_inodes={count}" for count in (5, 20, 60, 70)]
    for number, options in enumerate(full):
        project.write({"app.py": f"print({number})\n"})
        place = str(project.home.tmp)
        done = subprocess.run(
            in_user_namespace(["sh", "-c", script, "sh", place, options, *command]),
            capture_output=True,
            text=True,
            check=False,
        )
        output = done.stdout + done.stderr
        if done.returncode:
            error = next(line for line in output.splitlines() if line.startswith("Error: "))
            told.append(error)
            assert "the disk is full" in error or "no room for another file" in error, output
            assert "to do: free space" in output or "to do: remove files there" in output
            assert "Traceback" not in output
    assert len(told) >= 4
    assert project.image().digest == digest or len(told) < len(full)


def _alive(name: str) -> list[str]:
    """Processes that still have the image's name among their arguments."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if name.encode() in (process / "cmdline").read_bytes():
                found.append(process.name)
    return found

"""The command in an odd place: it says what is wrong, in its own words, and shows no traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

CNBKIT = [sys.executable, "-c", "from cnbkit_engine.cli import main; main()"]
COMMANDS = [
    ("build", "{app}"),
    ("build", "{app}", "--clear-cache", "--tag", "demo"),
    ("inspect", "demo"),
    ("run", "demo"),
    ("sbom", "demo"),
    ("rebase", "demo"),
    ("prune",),
    ("doctor",),
    ("prepare",),
]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "main.py").write_text("print('hello')\n")
    return folder


def cnbkit(
    *arguments: str, home: Path | str, shell: str = "", **more: str
) -> subprocess.CompletedProcess[str]:
    """Run it, perhaps by a line of the shell in which "$@" is the command."""
    command = [*CNBKIT, *arguments]
    if shell:
        command = ["sh", "-c", shell, "sh", *command]
    return subprocess.run(
        command,
        env={**os.environ, "CNBKIT_HOME": str(home), **more},
        capture_output=True,
        text=True,
        check=False,
    )


def check(done: subprocess.CompletedProcess[str], *said: str) -> None:
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    assert done.returncode not in (0, 1)
    assert "to do:" in done.stderr
    for each in said:
        assert each in done.stderr + done.stdout


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_home_that_is_a_file_is_named(tmp_path: Path, app: Path, command: list[str]) -> None:
    home = tmp_path / "home"
    home.write_text("")
    check(cnbkit(*(part.format(app=app) for part in command), home=home), str(home))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_home_on_a_read_only_file_system_is_named(
    tmp_path: Path, app: Path, command: list[str]
) -> None:
    (tmp_path / "home").mkdir()
    script = 'mount -t tmpfs -o ro tmpfs "$CNBKIT_HOME" && exec "$@"'
    arguments = [part.format(app=app) for part in command]
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", *CNBKIT,
         *arguments],
        env={**os.environ, "CNBKIT_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert done.returncode not in (0, 1)
    assert (
        "read-only" in done.stderr
        or "there is no image" in done.stderr
        or "written" in (done.stdout)
    )
    assert "free space" not in done.stderr


@pytest.mark.parametrize("command", [("build", "{app}", "--tag", "demo"), ("prepare",)])
def test_a_nearly_full_disk_is_told_as_one(
    tmp_path: Path, app: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "home").mkdir()
    script = 'mount -t tmpfs -o size=256k tmpfs "$CNBKIT_HOME" && exec "$@"'
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", *CNBKIT,
         *(part.format(app=app) for part in command)],
        env={**os.environ, "CNBKIT_HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    check(done)
    assert "make it writable" not in done.stderr
    assert "disk is full" in done.stderr or "larger disk" in done.stderr


def test_a_full_standard_output_is_named_and_not_the_image_store(tmp_path: Path) -> None:
    done = cnbkit("doctor", home=tmp_path / "home", shell='exec "$@" >/dev/full')
    check(done, "cannot write to standard output")
    assert "CNBKIT_HOME" not in done.stderr


def test_a_closed_standard_output_is_none(tmp_path: Path) -> None:
    done = cnbkit("doctor", home=tmp_path / "home", shell='exec "$@" >&-')
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_files_opened_later_do_not_become_the_closed_output(tmp_path: Path) -> None:
    program = (
        "import os, sys\n"
        "from cnbkit_engine.cli import _have_standard_streams\n"
        "_have_standard_streams()\n"
        "file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)\n"
        "os.write(1, b'printed')\n"
        "os.write(2, b'printed')\n"
        "sys.exit(file)\n"
    )
    script = 'exec "$@" >&- 2>&- <&-'
    command = ["sh", "-c", script, "sh", sys.executable, "-c", program, str(tmp_path / "file")]
    assert subprocess.run(command, check=False).returncode >= 3
    assert (tmp_path / "file").read_bytes() == b""


def test_a_reader_that_goes_ends_it_quietly(tmp_path: Path) -> None:
    script = '("$@"; echo "code $?" >&2) | true'
    done = cnbkit("--help", home=tmp_path / "home", shell=script)
    assert "Traceback" not in done.stderr
    assert "free space" not in done.stderr


def test_few_file_descriptors_are_told_as_that(tmp_path: Path, app: Path) -> None:
    done = cnbkit("build", str(app), home=tmp_path / "home", shell='ulimit -n 10; exec "$@"')
    check(done, "too many open files", "ulimit -n")
    assert "free space" not in done.stderr


def test_a_current_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    done = cnbkit("build", home=tmp_path / "home", shell=f'cd {gone} && rmdir {gone} && exec "$@"')
    check(done, "current folder has been removed", str(gone))


def test_a_name_that_is_too_long_for_the_disk_is_told_as_that(tmp_path: Path, app: Path) -> None:
    done = cnbkit("build", str(app), home=tmp_path / ("x" * 300))
    check(done, "name is too long")
    assert "free space" not in done.stderr


@pytest.mark.parametrize(
    "name", ["..", "x/../y", "UPPER", "a" * 256, "cnbkit/run:bookworm", f"x@sha256:{64 * 'a'}"]
)
@pytest.mark.parametrize("more", [(), ("--clear-cache",)])
def test_a_name_that_is_none_stops_the_build_before_anything_is_made(
    tmp_path: Path, app: Path, name: str, more: tuple[str, ...]
) -> None:
    done = cnbkit("build", str(app), "--tag", name, *more, home=tmp_path / "home")
    check(done, "--tag")
    assert done.returncode == 65
    assert not (tmp_path / "home").exists()


def test_a_place_that_is_taken_stops_the_build_before_anything_is_made(
    tmp_path: Path, app: Path
) -> None:
    for place in ("oci:{}/app", "docker-archive:{}/app/main.py", "oci-archive:/dev/zero"):
        output = place.format(tmp_path)
        done = cnbkit("build", str(app), "--output", output, home=tmp_path / "home")
        check(done, "taken")
    assert not (tmp_path / "home").exists()
    assert (app / "main.py").read_text() == "print('hello')\n"


@pytest.mark.parametrize("module", ["click", "cnbkit_engine.cli.inspect"])
def test_ctrl_c_while_modules_are_read_ends_without_a_traceback(
    tmp_path: Path, module: str
) -> None:
    program = (
        "import os, signal, sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "from cnbkit_engine.cli import main\n"
        "main(['inspect', 'demo'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "CNBKIT_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.strip() == ""
    assert done.returncode in (-signal.SIGINT, 128 + signal.SIGINT)

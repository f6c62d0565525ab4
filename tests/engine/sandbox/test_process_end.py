"""When a sandbox's first process has ended, nothing of what it started is left."""

from __future__ import annotations

import subprocess
import uuid
from pathlib import Path

import pytest

from cnbkit.errors import PlatformFault
from cnbkit_engine.sandbox import process_end
from cnbkit_engine.sandbox.process_end import ProcessEnd
from cnbkit_engine.sandbox.sandbox import Bind, Sandbox

# Leaves the session, ignores every signal it can, closes all files, and starts others like it.
CLINGING = (
    "trap '' HUP INT QUIT TERM USR1 USR2 PIPE; exec >/dev/null 2>&1 </dev/null; "
    "for i in 1 2 3 4 5 6 7 8; do "
    "setsid sh -c 'trap \"\" HUP TERM; while :; do sleep 9; done' $0 & done"
)


def _alive(mark: str) -> list[str]:
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and mark.encode() in (process / "cmdline").read_bytes():
                found.append(process.name)
        except OSError:
            continue  # it has just ended
    return found


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_what_a_build_left_running_is_gone(tmp_path: Path) -> None:
    root = tmp_path / "root"  # of the host's programs, which nobody may be given
    root.mkdir(mode=0o755)
    for name in ("bin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    binds = (Bind(Path("/usr"), "/usr"),)
    sandbox = Sandbox(tmp_path, root=root, binds=binds, env={"PATH": "/usr/bin:/bin"})
    for _ in range(5):
        mark = f"mark-{uuid.uuid4().hex}"
        command = ["/bin/sh", "-c", CLINGING + f"; : {mark}", mark]
        with sandbox.popen(command, stdout=subprocess.PIPE) as running:
            end = ProcessEnd(running.first_pid())
            assert running.wait() == 0
            end.wait()
            assert _alive(mark) == []


def test_it_waits_for_as_long_as_something_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_end, "_PATIENCE", 0.2)
    with subprocess.Popen(["sleep", "60"]) as sleeping:
        end = ProcessEnd(sleeping.pid)
        with pytest.raises(PlatformFault, match="still alive"):
            end.wait()
        end.wait()  # said once
        end = ProcessEnd(sleeping.pid)
        sleeping.kill()
        end.wait()


def test_one_that_has_ended_is_not_waited_for() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    before = _open_files()
    ProcessEnd(ended.pid).wait()
    ProcessEnd(None).wait()
    assert _open_files() == before

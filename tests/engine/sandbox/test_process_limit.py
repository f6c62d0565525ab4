"""What runs in a sandbox can be limited in number, whoever started it and whatever else runs."""

from __future__ import annotations

import resource
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from cnbkit.errors import UserFault
from cnbkit_engine.sandbox.owner import sandbox_user
from cnbkit_engine.sandbox.process_limit import VARIABLE, limit_processes, process_limit
from cnbkit_engine.sandbox.sandbox import Bind, Sandbox, Sandboxed

# Waits for its turn; then starts as many as it may of processes that stay, and says how many.
FORKS = """
import os, sys
sys.stdin.readline()
held, hold = os.pipe()
count = 0
try:
    while count < 150:
        if os.fork() == 0:
            os.close(hold)
            os.read(held, 1)
            os._exit(0)
        count += 1
except BlockingIOError:
    pass
print(count, flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "root"
    made.mkdir(mode=0o755)
    for name in ("bin", "lib", "lib64"):
        (made / name).symlink_to(f"usr/{name}")
    return made


def started(stack: ExitStack, root: Path, processes: int) -> Sandboxed:
    sandbox = Sandbox(
        root.parent,
        root=root,
        binds=(Bind(Path("/usr"), "/usr"),),
        env={"PATH": "/usr/bin:/bin"},
        processes=processes,
    )
    running = stack.enter_context(
        sandbox.popen(
            ["/usr/bin/python3", "-I", "-S", "-c", FORKS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
    )
    running.limit()
    return running


def forked(running: Sandboxed) -> int:
    """Give it its turn; how many processes it has, which stay."""
    process = running.process
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"\n")
    process.stdin.flush()
    return int(process.stdout.readline())


def test_each_sandbox_has_as_many_processes_as_its_limit_and_no_more(root: Path) -> None:
    with ExitStack() as stack:
        # Those of the second are not counted to the first's, though their user is one.
        counts = [forked(started(stack, root, 80)) for _ in range(2)]
    # bubblewrap and the program itself are two of them.
    assert counts == [78, 78]


def test_a_sandbox_without_a_limit_has_none(root: Path) -> None:
    with ExitStack() as stack:
        assert forked(started(stack, root, 0)) == 150


def test_a_limit_that_is_lower_already_stays() -> None:
    with subprocess.Popen(
        ["prlimit", "--nproc=70:70", "sh", "-c", "echo; read _"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        assert limit_processes(process.pid, sandbox_user(), 5000)
        assert resource.prlimit(process.pid, resource.RLIMIT_NPROC) == (70, 70)
        process.communicate(b"\n")


def test_nothing_is_limited_where_the_kernel_counts_all_of_a_users(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def limit(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("resource.prlimit", limit)
    for release in ("5.13.19-1", "4.18.0-553.el8.x86_64", "5.4"):
        assert not limit_processes(1, None, 100, release)


def test_the_number_is_the_machines_or_as_the_variable_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert process_limit({}) == 4096
    monkeypatch.setattr("os.cpu_count", lambda: 96)
    assert process_limit({}) == 24576
    assert process_limit({VARIABLE: "200"}) == 200


@pytest.mark.parametrize(
    "text",
    ["0", "63", "-1", "many", "1e9", "9" * 5000, " 100", "\u0661\u0660\u0660"],
    ids=lambda text: ascii(text)[:9],
)
def test_a_number_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UserFault) as caught:
        process_limit({VARIABLE: text})
    assert VARIABLE in str(caught.value)
    assert len(str(caught.value)) < 500

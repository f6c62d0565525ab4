"""Sandboxes made by the real bubblewrap."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.user_namespace import in_user_namespace

from cnbkit.errors import PlatformFault
from cnbkit_engine.sandbox.owner import sandbox_user
from cnbkit_engine.sandbox.sandbox import Bind, Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Make = Callable[..., "Sandbox"]


@pytest.fixture
def root(tmp_path: Path, program: Path) -> Path:
    """A root file system with one program."""
    folder = tmp_path / "root"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "probe").write_bytes(program.read_bytes())
    (folder / "bin" / "probe").chmod(0o755)
    return folder


@pytest.fixture(params=["root", "layers"])
def make(request: pytest.FixtureRequest, tmp_path: Path, root: Path) -> Make:
    """Sandboxes of both kinds."""
    base = {"root": root} if request.param == "root" else {"layers": (root,)}

    def make(**more: object) -> Sandbox:
        return Sandbox(tmp_path / "tmp", **base, **more)  # type: ignore[arg-type]

    return make


def output(sandbox: Sandbox, *args: str) -> str:
    with sandbox.popen(["/bin/probe", *args], stdout=subprocess.PIPE) as process:
        assert process.process.stdout is not None
        text = process.process.stdout.read().decode()
        assert process.wait() == 0
    return text


def children_of(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            child = int(path.parent.name)
            found += [child, *children_of(child)]
    return found


def test_the_process_runs_as_the_given_user(make: Make) -> None:
    assert output(make(), "id") == "1000:1000\n"
    assert output(make(uid=0, gid=0), "id") == "0:0\n"


def test_the_environment_is_exactly_the_one_given(make: Make) -> None:
    env = {"A": "b", "SECRET": "s3cret value", "LD_PRELOAD": "/nowhere.so"}
    lines = output(make(env=env), "env").splitlines()
    assert sorted(lines) == ["A=b", "LD_PRELOAD=/nowhere.so", "PWD=/", "SECRET=s3cret value"]


def test_no_secret_is_in_any_processs_arguments(make: Make) -> None:
    sandbox = make(env={"TOKEN": "hunter2hunter2"})
    with sandbox.popen(["/bin/probe", "wait"], stdout=subprocess.PIPE) as process:
        assert process.process.stdout is not None
        process.process.stdout.readline()
        pids = [process.process.pid, *children_of(process.process.pid)]
        assert len(pids) == 3
        for pid in pids:
            assert b"hunter2" not in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_exit_codes_are_the_processs_own(make: Make) -> None:
    assert make().run(["/bin/probe", "exit", "0"]) == 0
    assert make().run(["/bin/probe", "exit", "1"]) == 1
    assert make().run(["/bin/probe", "exit", "125"]) == 125
    assert make().run(["/bin/probe", "abort"]) == 128 + signal.SIGABRT


def test_a_root_is_read_only_and_an_overlay_forgets(tmp_path: Path, root: Path) -> None:
    write = ["/bin/probe", "write", "/bin/new", "x"]
    assert Sandbox(tmp_path / "tmp", root=root).run(write, stderr=subprocess.DEVNULL) == 1
    assert Sandbox(tmp_path / "tmp", layers=(root,)).run(write, stdout=subprocess.DEVNULL) == 0
    assert [path.name for path in (root / "bin").iterdir()] == ["probe"]


def test_an_overlays_upper_layer_hides_and_replaces(tmp_path: Path, root: Path) -> None:
    top = tmp_path / "top: with, signs"  # these end an overlay's mount options
    top.mkdir()
    for name in ("kept", "replaced", "removed"):
        (root / name).write_text("below")
    (top / "replaced").write_text("above")
    os.mknod(top / "removed", 0o020000 | 0o600, 0)
    sandbox = Sandbox(tmp_path / "tmp", layers=(top, root))
    assert output(sandbox, "cat", "/kept") == "below"
    assert output(sandbox, "cat", "/replaced") == "above"
    assert "removed" not in output(sandbox, "ls", "/")
    assert sandbox.run(["/bin/probe", "remove", "/kept"]) == 0
    assert (root / "kept").exists()


def test_an_overlay_takes_as_many_layers_as_an_image_may_have(tmp_path: Path, root: Path) -> None:
    layers = []
    for number in range(100):
        layer = tmp_path / f"{number:0100}"
        layer.mkdir()
        (layer / f"file{number}").touch()
        layers.append(layer)
    listing = output(Sandbox(tmp_path / "tmp", layers=(*layers, root)), "ls", "/").split()
    assert {f"file{number}" for number in range(100)} <= set(listing)


def test_binds_are_as_writable_as_they_say(make: Make, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    (ours / "a").write_text("from outside")
    binds = (Bind(ours, "/in"), Bind(theirs, "/a/deep/out", writable=True, given=True))
    assert output(make(binds=binds), "cat", "/in/a") == "from outside"
    assert output(make(binds=binds), "write", "/a/deep/out/b", "from inside") == "from inside"
    assert (theirs / "b").read_text() == "from inside"
    user = sandbox_user()
    assert (theirs / "b").stat().st_uid == (user.uid if user else os.getuid())
    refused = make(binds=binds).run(["/bin/probe", "write", "/in/b", "x"], stderr=-3)
    assert refused == 1


def test_a_single_file_can_be_bound(make: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    assert output(make(binds=(Bind(tmp_path / "file", "/etc/app.conf"),)), "cat", "/etc/app.conf")


def test_tmp_and_tmpfs_can_be_written(make: Make) -> None:
    sandbox = make(tmpfs=("/run/app",))
    assert output(sandbox, "write", "/tmp/a", "x") == "x"
    assert output(sandbox, "write", "/run/app/a", "x") == "x"


def test_it_starts_where_it_is_told(make: Make) -> None:
    assert output(make(cwd="/bin"), "cwd") == "/bin\n"


def test_it_sees_only_its_own_processes(make: Make) -> None:
    numbers = [name for name in output(make(), "ls", "/proc").split() if name.isdigit()]
    assert len(numbers) == 2, "bubblewrap's first process and itself"


def test_host_names_are_added(make: Make) -> None:
    text = output(make(hosts={"store.localhost": "127.1.2.3"}), "cat", "/etc/hosts")
    assert "127.1.2.3 store.localhost\n" in text
    assert "127.0.0.1 localhost" in text
    assert output(make(), "cat", "/etc/resolv.conf") == Path("/etc/resolv.conf").read_text()


def test_the_network_is_there_or_not(make: Make) -> None:
    host = {name for _, name in socket.if_nameindex()}
    inside = output(make(network=True), "cat", "/proc/net/dev")
    assert all(f"{name}:" in inside for name in host)
    devices = output(make(network=False), "cat", "/proc/net/dev").splitlines()[2:]
    assert [line.partition(":")[0].strip() for line in devices] == ["lo"]


@pytest.mark.parametrize("link", ["/outside", "../../../../../../../../outside"])
def test_a_roots_links_do_not_lead_mount_points_outside(
    tmp_path: Path, root: Path, link: str
) -> None:
    (root / "etc").symlink_to(link)
    assert "localhost" in output(Sandbox(tmp_path / "tmp", root=root), "cat", "/etc/hosts")
    assert (root / "outside" / "hosts").exists()
    assert not Path("/outside").exists()


def test_nothing_is_left_in_the_scratch_folder(make: Make, tmp_path: Path) -> None:
    make().run(["/bin/probe", "write", "/tmp/x", "x"], stdout=subprocess.DEVNULL)
    with make().popen(["/bin/probe", "wait"], stdout=subprocess.PIPE):
        pass
    scratch = tmp_path / "tmp"
    assert not scratch.exists() or list(scratch.iterdir()) == []


def test_leaving_the_block_asks_the_process_to_end(make: Make) -> None:
    with make().popen(["/bin/probe", "wait"], stdout=subprocess.PIPE) as process:
        out = process.process.stdout
        assert out is not None
        assert out.readline() == b"ready\n"
        process.stop()
        assert out.read() == b"signal 15\n"
        assert process.wait() == 40 + signal.SIGTERM


RUNNER = """
import contextlib, os, pathlib, sys
from cnbkit_engine.sandbox.sandbox import Sandbox
scratch, kind, root, what, *early = sys.argv[1:]
roots = {"root": pathlib.Path(root)} if kind == "root" else {"layers": (pathlib.Path(root),)}
@contextlib.contextmanager
def starting():
    for number in early:
        os.kill(os.getpid(), int(number))
    yield
sandbox = Sandbox(pathlib.Path(scratch), **roots, starting=starting)
sys.exit(sandbox.run(["/bin/probe", what]))
"""


def runner(kind: str, tmp_path: Path, root: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-c", RUNNER, str(tmp_path / "tmp"), kind, str(root), *arguments]


def start(kind: str, tmp_path: Path, root: Path, what: str) -> subprocess.Popen[bytes]:
    command = runner(kind, tmp_path, root, what)
    # A shell has whatever it starts in the background ignore SIGINT, these tests included.
    process = subprocess.Popen(["env", "--default-signal", *command], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


@pytest.mark.parametrize("kind", ["root", "layers"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_reach_the_process_and_its_answer_comes_back(
    tmp_path: Path, root: Path, kind: str, number: signal.Signals
) -> None:
    with start(kind, tmp_path, root, "wait") as process:
        process.send_signal(number)
        assert process.communicate()[0] == f"signal {number}\n".encode()
    assert process.returncode == 40 + number
    assert not (tmp_path / "tmp").exists() or list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_comes_while_it_starts_ends_it_in_order(
    tmp_path: Path, root: Path, number: signal.Signals
) -> None:
    command = [
        "env",
        "--default-signal",
        *runner("root", tmp_path, root, "wait", str(number.value)),
    ]
    done = subprocess.run(
        ["env", "--default-signal", *command], capture_output=True, text=True, check=False
    )
    # By its own handler, or before it had one.
    assert done.returncode in (40 + number, 128 + number), done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "tmp").exists() or list((tmp_path / "tmp").iterdir()) == []


def test_a_second_signal_ends_a_process_that_does_not_listen(tmp_path: Path, root: Path) -> None:
    with start("layers", tmp_path, root, "stubborn") as process:
        family = children_of(process.pid)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)  # two signals at once are one signal
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 128 + signal.SIGKILL
    assert_ended(family)
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("kind", ["root", "layers"])
def test_nothing_survives_if_we_are_killed(tmp_path: Path, root: Path, kind: str) -> None:
    with start(kind, tmp_path, root, "stubborn") as process:
        family = children_of(process.pid)
        assert len(family) == 3
        process.kill()
    assert_ended(family)


def assert_ended(pids: list[int]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and any(Path(f"/proc/{pid}/exe").exists() for pid in pids):
        time.sleep(0.01)
    assert [pid for pid in pids if Path(f"/proc/{pid}/exe").exists()] == []


def run_without(changes: Mapping[str, str], setup: str, tmp_path: Path, root: Path) -> str:
    """The fault on a host that lacks something."""
    program = (
        "import pathlib, sys\n"
        "from cnbkit_engine.sandbox.sandbox import Sandbox\n"
        "scratch, root = map(pathlib.Path, sys.argv[1:])\n"
        "try:\n"
        "    Sandbox(scratch, root=root).run(['/bin/probe'])\n"
        "except Exception as fault:\n"
        "    print(type(fault).__name__, fault)\n"
    )
    command = ["sh", "-c", f'{setup}; exec "$@"', "sh"]
    command += [sys.executable, "-c", program, str(tmp_path / "tmp"), str(root)]
    result = subprocess.run(
        in_user_namespace(command),
        env={**os.environ, **changes},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout + result.stderr


def test_a_host_without_bubblewrap_is_told_what_to_install(tmp_path: Path, root: Path) -> None:
    setup = "mount --bind /dev/null /usr/bin/bwrap"
    text = run_without({}, setup, tmp_path, root)
    assert text.startswith("PlatformFault Error: the program 'bwrap' is not installed")
    assert "apt-get install bubblewrap" in text
    assert "dnf install bubblewrap" in text


def test_a_host_that_forbids_user_namespaces_is_told_what_to_set(
    tmp_path: Path, root: Path
) -> None:
    text = run_without({}, "echo 0 >/proc/sys/user/max_user_namespaces", tmp_path, root)
    assert "PlatformFault Error: this host forbids user namespaces" in text
    assert "sysctl user.max_user_namespaces=" in text


def test_an_overlay_that_cannot_be_mounted_is_a_platform_fault(tmp_path: Path) -> None:
    with pytest.raises(PlatformFault, match="overlay") as caught:
        Sandbox(tmp_path / "tmp", layers=(tmp_path / "missing",)).run(["/bin/probe"])
    assert "mount" in str(caught.value)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_files_that_their_owner_alone_may_read_are_shown_and_stay_the_owners(
    make: Make, tmp_path: Path
) -> None:
    folder, file = tmp_path / "binding", tmp_path / "file"
    folder.mkdir(mode=0o700)
    for path in (folder / "password", file):
        path.write_text("of a service")
        path.chmod(0o600)
    sandbox = make(binds=(Bind(folder, "/binding"), Bind(file, "/file")))
    assert output(sandbox, "cat", "/binding/password") == "of a service"
    assert output(sandbox, "cat", "/file") == "of a service"
    assert {path.stat().st_uid for path in (folder, folder / "password", file)} == {os.getuid()}

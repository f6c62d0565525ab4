"""What a process of an image may write, and where it is reached: as in a container engine."""

from __future__ import annotations

import re
import shutil
import socket
import tarfile
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit.errors import UserFault
from cnbkit_engine.run.run import RunOptions, run_image
from cnbkit_engine.sandbox.view import Port

from .test_run import PASSWD, cnbkit, result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cnbkit_engine.state.home import Home

    MakeTar = Callable[..., bytes]
    MakeImage = Callable[..., Any]


def folder(uid: int, gid: int, mode: int) -> tarfile.TarInfo:
    """A folder of a layer, by its owners."""
    entry = tarfile.TarInfo()
    entry.type, entry.uid, entry.gid, entry.mode = tarfile.DIRTYPE, uid, gid, mode
    return entry


@pytest.fixture
def image(make_image: MakeImage, make_tar: MakeTar, program: Path) -> str:
    """One with places of several owners."""
    base = {
        "bin/": "",
        "bin/probe": program,
        "etc/": "",
        "etc/passwd": PASSWD,
        "etc/group": b"root:x:0:\nstaff:x:50:\n",
        "workspace/": "",
        "workspace/own": b"own",
        "of-root": folder(0, 0, 0o755),
        "of-group": folder(0, 1001, 0o775),
        "of-all": folder(0, 0, 0o1777),
        "shared": folder(0, 0, 0o775),
    }
    config = {"Entrypoint": ["/bin/probe"], "User": "1000:1001", "WorkingDir": "/workspace"}
    make_image("demo", [make_tar(base), make_tar({"implied/file": b"x"})], config)
    return "demo"


@pytest.mark.parametrize(
    ("user", "path", "may"),
    [
        ("", "/workspace/new", True),
        ("", "/workspace/own", True),
        ("", "/of-group/new", True),
        ("", "/of-all/new", True),
        ("", "/tmp/new", True),
        ("", "/of-root/new", False),
        ("", "/implied/file", False),
        ("", "/bin/probe", False),
        ("", "/etc/passwd", False),
        ("", "/etc/hosts", False),
        ("", "/etc/new", False),
        ("", "/new", False),
        # A user that nobody knows, in root's group: OpenShift's.
        ("12345:0", "/workspace/own", False),
        ("12345:0", "/shared/new", True),
        ("cnb", "/workspace/new", True),
        ("root", "/of-root/new", True),
    ],
)
def test_a_process_may_write_where_the_images_user_may(
    home: Home, image: str, user: str, path: str, may: bool
) -> None:
    options = ("--user", user) if user else ()
    code, out, err = result(home, "run", *options, image, "--", "write", path, "x")
    assert (code, out) == ((0, "x") if may else (1, "")), err
    assert may or re.search(rf"{path}: (Permission denied|Text file busy)", err)


def test_read_only_leaves_nothing_but_what_is_asked_for(home: Home, image: str) -> None:
    options = ("--read-only", "--tmpfs", "/scratch")
    for path in ("/workspace/new", "/tmp/new"):
        code, _, err = result(home, "run", *options, image, "--", "write", path, "x")
        assert (code, "Read-only" in err) == (1, True)
    assert result(home, "run", *options, image, "--", "write", "/scratch/new", "x")[1] == "x"


def test_a_folder_and_a_program_may_be_named(home: Home, image: str) -> None:
    assert result(home, "run", "-w", "/of-root", image, "--", "cwd")[1] == "/of-root\n"
    ours = ("--entrypoint", "/bin/probe")
    assert result(home, "run", *ours, image, "--", "exit", "7")[0] == 7
    code, _, err = result(home, "run", *ours, "--process", "web", image)
    assert (code, "--entrypoint" in err) == (2, True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answer(port: int) -> str:
    """What is served at a port of this machine."""
    with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), 5)) as connection:
        connection.settimeout(5)
        return connection.recv(100).decode()
    return ""


@pytest.mark.parametrize(("address", "served"), [("0.0.0.0", "served"), ("127.0.0.1", "")])
def test_a_published_port_is_reached_unless_the_app_listens_on_its_loopback_alone(
    home: Home, image: str, address: str, served: str
) -> None:
    port = free_port()
    options = ("--publish", f"127.0.0.1:{port}:8080")
    with cnbkit(home, "run", *options, image, "--", "serve", address, "8080") as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", process.communicate()[1]
            assert answer(port) == served
        finally:
            process.terminate()
            process.communicate()


def test_a_taken_port_is_told(home: Home, image: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        code, _, err = result(home, "run", "--publish", f"127.0.0.1:{port}:80", image, "--", "id")
    assert code == UserFault.exit_code
    assert f"port {port} of this machine cannot be had" in err


def test_without_a_program_for_networks_ports_are_the_machines(
    home: Home, image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    which = shutil.which
    monkeypatch.setattr(
        shutil, "which", lambda name: None if name in ("slirp4netns", "pasta") else which(name)
    )
    said: list[str] = []
    same = RunOptions(ports=(Port(8080, 8080),))
    assert run_image(home, image, args=("exit", "3"), options=same, show=said.append) == 3
    assert said == ["The image's ports are this machine's own: slirp4netns is not installed"]
    with pytest.raises(UserFault, match="ports can only be moved"):
        run_image(home, image, options=RunOptions(ports=(Port(8080, 9090),)), show=said.append)


@pytest.mark.parametrize(
    "option",
    [
        ("--publish", "8080"),
        ("--publish", "0:8080"),
        ("--publish", "8080:99999"),
        ("--publish", "localhost:80:80"),
        ("--publish", "1.2.3.256:80:80"),
        ("--tmpfs", "relative"),
        ("--tmpfs", "/"),
        ("--workdir", "../up"),
    ],
)
def test_an_option_of_another_form_is_refused(
    home: Home, image: str, option: tuple[str, str]
) -> None:
    code, _, err = result(home, "run", *option, image)
    assert code == 2
    assert option[0] in err

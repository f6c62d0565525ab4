"""Code in a sandbox with a network of its own reaches the world and not this machine's loopback."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.ordinary_user import environment
from tests.processes import below

from cnbkit.errors import PlatformFault
from cnbkit_engine.sandbox.network import network_for
from cnbkit_engine.sandbox.routes import way_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Attacker

REACH = """
import json, socket, sys
reached = []
for family, *address in json.loads(sys.argv[1]):
    with socket.socket(family) as client:
        client.settimeout(2)
        try:
            client.connect("\\0" + address[0] if family == socket.AF_UNIX else tuple(address))
            reached.append([family, *address])
        except OSError:
            pass
names = sorted(name for _, name in socket.if_nameindex())
print(json.dumps({"reached": reached, "interfaces": names}))
"""


@contextmanager
def services() -> Iterator[list[list[object]]]:
    """On this machine's loopback, by both protocols, and by the name of an abstract socket."""
    with ExitStack() as stack:
        places: list[list[object]] = []
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            server = stack.enter_context(socket.socket(family))
            server.bind((host, 0))
            server.listen()
            places.append([family, host, server.getsockname()[1]])
        server = stack.enter_context(socket.socket(socket.AF_UNIX))
        name = f"cnbkit-attack-{places[0][2]}"
        server.bind(f"\0{name}")
        server.listen()
        places.append([socket.AF_UNIX, name])
        # Where these programs show their users' loopback, if they do.
        places += [[socket.AF_INET, host, places[0][2]] for host in ("10.0.2.2", "10.0.2.1")]
        yield places


def test_services_and_abstract_sockets_of_this_machine_are_not_reached(attacker: Attacker) -> None:
    with services() as places:
        for mode in ("private", "none"):
            told = attacker.run(REACH, json.dumps(places), network=mode)
            assert told["reached"] == []
            assert len(told["interfaces"]) == (2 if mode == "private" else 1)
        told = attacker.run(REACH, json.dumps(places), network="host")
        assert told["reached"] == places[:3], "the attack would have been seen"


@pytest.mark.parametrize("program", ["slirp4netns", "pasta"])
def test_the_world_is_reached_by_either_program(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: name == program and known(name))
    lines: list[str] = []
    with network_for("private", {}, lines.append) as (network, namespace):
        if program == "pasta" and not way_out():
            # No world is there to be reached (`make test-offline`), and the build is told so.
            assert (network, namespace) == (False, None)
            assert "no network now" in lines[0]
            return
        assert lines == []
        assert namespace
        namespace.ready()
        enter = ["nsenter", "--target", str(namespace.holder), "--user", "--net"]
        shown = subprocess.run(
            [*enter, "--preserve-credentials", "/bin/cat", "/proc/net/route"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    routes = [line.split() for line in shown.splitlines()[1:]]
    assert any(route[1] == "00000000" for route in routes), "a way out"


def test_nothing_of_it_is_left_when_its_maker_is_killed(attacker: Attacker) -> None:
    wait = "print('[1]', flush=True)\nimport time\ntime.sleep(600)"
    with subprocess.Popen(
        attacker.command(wait, network="private"), env=environment(), stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"[1]\n"
        family = [each.pid for each in below(process.pid)]
        assert len(family) >= 4
        process.kill()
    until = time.monotonic() + 30
    while time.monotonic() < until and any(_alive(pid) for pid in family):
        time.sleep(0.02)
    assert not [pid for pid in family if _alive(pid)]


def test_a_machine_without_either_program_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    lines: list[str] = []
    with network_for("", {}, lines.append) as given:
        assert given == (True, None)
    assert len(lines) == 1
    assert "loopback included: slirp4netns is not installed" in lines[0]
    with (
        pytest.raises(PlatformFault, match="slirp4netns or pasta") as caught,
        network_for("private", {}, lines.append),
    ):
        pass
    assert "apt-get install slirp4netns" in (caught.value.remedy or "")


def test_a_proxy_on_loopback_is_reached_and_that_is_said() -> None:
    lines: list[str] = []
    with network_for("", {"HTTPS_PROXY": "http://127.0.0.1:3128"}, lines.append) as given:
        assert given == (True, None)
    assert "HTTPS_PROXY names a proxy there" in lines[0] or "closed to you" in lines[0]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False

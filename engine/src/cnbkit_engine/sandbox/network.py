"""A network of their own for sandboxes: the world can be reached, this machine's loopback cannot.

A process of the sandboxes' user holds its namespace; slirp4netns, or else pasta, carries its
connections out, without any right of root. (slirp4netns is ready ten times as soon, in 0.015 s, and
ends by itself when we do.) Both end when whoever made the namespace does, killed or not.
"""

from __future__ import annotations

import os
import select
import shutil
import stat
import subprocess
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cnbkit.errors import PlatformFault
from cnbkit_engine.sandbox.cloud import refusing
from cnbkit_engine.sandbox.host import find_program, namespace_fault
from cnbkit_engine.sandbox.owner import sandbox_user
from cnbkit_engine.sandbox.ports import SOCKET, control_folder, forward
from cnbkit_engine.sandbox.routes import way_out
from cnbkit_engine.sandbox.staging import STAGE, Stage
from cnbkit_engine.sandbox.view import NetworkNamespace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cnbkit_engine.sandbox.owner import HostUser
    from cnbkit_engine.sandbox.view import Port

__all__ = ["MODES", "connected", "cut_off", "hindrance", "network_for", "private_network"]

MODES = ("host", "none", "private")
"""What `--network` takes."""

_TUN = Path("/dev/net/tun")
_INSTALL = "apt-get install slirp4netns\nor: dnf install slirp4netns"
_PATIENCE = 30.0  # seconds until it is connected, on a busy machine
# slirp4netns's own resolver; and an address nobody has (RFC 5737), which pasta answers for.
_SLIRP_RESOLVER, _PASTA_RESOLVER = "10.0.2.3", "203.0.113.53"
_HOLD = "echo ready; read -r _"
# Ends what it has started when its input does, for pasta does not.
_WATCHED = '"$@" & read -r _; kill $!'


@contextmanager
def network_for(
    mode: str,
    variables: Mapping[str, str],
    show: Callable[[str], None],
    ports: Sequence[Port] = (),
) -> Iterator[tuple[bool, NetworkNamespace | None]]:
    """The network for a sandbox, as `View` takes it.

    Args:
        mode: one of `MODES`; empty for a private one where that can be had.
        variables: those that may name a proxy.
        show: told why there is none of its own.
        ports: of a private one, to be reached from outside.

    Raises:
        PlatformFault: a private one was asked for, and cannot be had.
    """
    if mode in ("host", "none"):
        yield mode == "host", None
        return
    if not mode and (reason := hindrance(variables)):
        show(f"Build code shares this machine's network, loopback included: {reason}")
        yield True, None
        return
    if not ports and cut_off():
        show("This machine has no network now, so build code has none")
        yield False, None
        return
    with private_network(ports) as namespace:
        yield True, namespace


@contextmanager
def private_network(ports: Sequence[Port] = ()) -> Iterator[NetworkNamespace]:
    """A namespace, for as long as the block lasts; it is being connected while that goes on.

    Raises:
        PlatformFault: no program for it is installed, or this machine does not allow it; or a port
            is taken.
    """
    with _held(sandbox_user()) as holder, connected(holder, ports) as namespace:
        yield namespace


@contextmanager
def connected(holder: int, ports: Sequence[Port] = ()) -> Iterator[NetworkNamespace]:
    """Connect the network namespace of a process of the sandboxes' user.

    There is no way from it to `CREDENTIAL_SERVICES`.

    Args:
        holder: the process.
        ports: as for `private_network`.

    Raises:
        PlatformFault: no program for it is installed, or this machine does not allow it.
    """
    user = sandbox_user()
    with ExitStack() as stack:
        if shutil.which("slirp4netns"):
            resolver, connect = _SLIRP_RESOLVER, _slirp
        elif shutil.which("pasta"):
            resolver, connect = _PASTA_RESOLVER, _pasta
        else:
            raise PlatformFault(
                "a network of its own needs slirp4netns or pasta",
                where="--network private",
                remedy=_INSTALL,
            )
        refused = stack.enter_context(refusing(holder))
        connecting = connect(holder, user, ports, stack)

        def ready() -> None:
            refused()
            connecting()

        yield NetworkNamespace(holder, resolver, ready)


def cut_off() -> bool:
    """Whether there is nothing to connect a network to; slirp4netns does not mind."""
    # pasta takes the place of an interface of this machine, and ends where none leads out.
    return not shutil.which("slirp4netns") and bool(shutil.which("pasta")) and not way_out()


def hindrance(variables: Mapping[str, str]) -> str:
    """Why this machine gives no network of its own; empty if it does."""
    if not (shutil.which("slirp4netns") or shutil.which("pasta")):
        return "slirp4netns is not installed"
    if os.geteuid() != 0 and not os.access(_TUN, os.R_OK | os.W_OK):
        return f"{_TUN} is closed to you"
    if not _TUN.exists():
        return f"there is no {_TUN}"
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        value = variables.get(name, "")
        with suppress(ValueError):
            host = urlsplit(value if "://" in value else f"//{value}").hostname or ""
            if host == "localhost" or host.endswith(".localhost") or host.startswith("127."):
                return f"{name} names a proxy there"
    return ""


@contextmanager
def _held(user: HostUser | None) -> Iterator[int]:
    """A process in a new network namespace; yields its id."""
    command = [find_program("unshare"), "--user", "--map-root-user", "--net"]
    with subprocess.Popen(
        [*command, "/bin/sh", "-c", _HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **_as(user),
    ) as process:
        assert process.stdout
        if process.stdout.readline() != b"ready\n":
            assert process.stderr
            raise namespace_fault(process.stderr.read().decode(errors="replace"))
        try:
            yield process.pid
        finally:
            assert process.stdin
            process.stdin.close()  # it ends by that, and when we do


def _as(user: HostUser | None) -> dict[str, Any]:
    options: dict[str, Any] = {"cwd": "/", "env": {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}}
    if user:
        options |= {"user": user.uid, "group": user.gid, "extra_groups": ()}
    return options | {"start_new_session": True}


def _slirp(
    holder: int, user: HostUser | None, ports: Sequence[Port], stack: ExitStack
) -> _Connecting:
    alive, ours = os.pipe2(os.O_CLOEXEC)
    with ExitStack() as inherited:
        inherited.callback(os.close, alive)
        stack.callback(os.close, ours)  # it ends when this does, or we do
        ready, told = os.pipe2(os.O_CLOEXEC)
        inherited.callback(os.close, told)
        stack.callback(os.close, ready)
        command = [find_program("slirp4netns"), "--configure", "--mtu=65520"]
        command += ["--disable-host-loopback", "--ready-fd", str(told), "--exit-fd", str(alive)]
        command += ["--userns-path", f"/proc/{holder}/ns/user", str(holder), "tap0"]
        if not ports:
            return _Connecting(ready, _start(command, user, stack, {"pass_fds": (told, alive)}))
        folder = stack.enter_context(control_folder(user))
        seen = f"{STAGE}/0" if user else str(folder)
        command[1:1] = ["--api-socket", f"{seen}/{SOCKET}"]
        process = _start(command, user, stack, {"pass_fds": (told, alive)}, shown=(folder,))
    return _Connecting(ready, process, lambda: forward(folder / SOCKET, ports))


def _pasta(
    holder: int, user: HostUser | None, ports: Sequence[Port], stack: ExitStack
) -> _Connecting:
    with ExitStack() as inherited:
        ready, told = os.pipe2(os.O_CLOEXEC)
        inherited.callback(os.close, told)
        stack.callback(os.close, ready)
        if user:
            os.fchown(told, user.uid, user.gid)  # opened by name
        command = [find_program("pasta"), "--config-net", "--quiet", "--foreground"]
        for option in ("-t", "-u", "-T", "-U"):
            if option != "-t" or not ports:
                command += [option, "none"]  # no port of either side on the other's loopback
        for port in ports:
            command += ["-t", f"{port.address}/{port.outside}:{port.inside}"]
        command += ["--no-map-gw", "--dns-forward", _PASTA_RESOLVER]
        # Written when it is connected. Of what it inherits it closes all but the standard streams.
        command += ["--pid", "/proc/self/fd/1"]
        command += ["--userns", f"/proc/{holder}/ns/user", "--netns", f"/proc/{holder}/ns/net"]
        watched = ["/bin/sh", "-c", _WATCHED, "pasta", *command]
        options = {"stdout": told, "stdin": subprocess.PIPE}
        process = _start(watched, user, stack, options)
    return _Connecting(ready, process)


def _start(
    command: Sequence[str],
    user: HostUser | None,
    stack: ExitStack,
    options: dict[str, Any],
    shown: Sequence[Path] = (),
) -> subprocess.Popen[bytes]:
    base = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    if user:
        # The device that makes interfaces may be root's alone; theirs are in their namespace.
        stage = stack.enter_context(Stage(user, shown, device=_TUN))
        process = stage.popen(command, (), {**base, **options, "env": _as(None)["env"]})
    else:
        process = subprocess.Popen(command, **_as(None), **{**base, **options})
    stack.callback(_ended, process)
    return process


def _ended(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        process.stdin.close()
    else:
        process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(2.0)
    process.kill()
    process.wait()
    if process.stderr:
        process.stderr.close()


class _Connecting:
    """Waits until a program has said that it has connected its namespace."""

    def __init__(
        self,
        ready: int,
        process: subprocess.Popen[bytes],
        then: Callable[[], None] | None = None,
    ) -> None:
        self._ready = ready
        self._process = process
        self._then = then
        self._done = False

    def __call__(self) -> None:
        if not self._done:
            heard = select.select([self._ready], [], [], _PATIENCE)[0]
            if not (heard and os.read(self._ready, 32)):
                raise _not_connected(self._process)
            self._done = True
            if self._then:
                self._then()


def _not_connected(process: subprocess.Popen[bytes]) -> PlatformFault:
    process.terminate()
    assert process.stderr
    errors = process.stderr.read().decode(errors="replace")
    tun = stat.S_ISCHR(_TUN.stat().st_mode) if _TUN.exists() else False
    return PlatformFault(
        "a network of its own cannot be connected",
        where=str(process.args[0]) if isinstance(process.args, list) else None,
        remedy="--network host shares this machine's, loopback included; --network none has none"
        if tun
        else f"have {_TUN}: modprobe tun (in a container: --device {_TUN})",
        detail=errors,
    )

"""Starts a built image without Docker: `cnbkit run` and `cnbkit shell`."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit.errors import UserFault
from cnbkit.log import Log
from cnbkit_engine.oci.open_image import open_image
from cnbkit_engine.oci.unpacked import ensure_layer, held_layers, unpacked_place
from cnbkit_engine.run.identity import find_user, numeric_ids
from cnbkit_engine.run.memory import limited_memory
from cnbkit_engine.run.terminal import Terminal
from cnbkit_engine.sandbox.emulation import ensure_emulation
from cnbkit_engine.sandbox.network import hindrance, network_for
from cnbkit_engine.sandbox.sandbox import Bind, Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cnbkit_engine.oci.image import Image
    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.sandbox.view import NetworkNamespace, Port
    from cnbkit_engine.state.home import Home

__all__ = ["LAUNCHER", "RunOptions", "command_of", "image_sandbox", "run_image"]

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LARGE = 50_000_000  # bytes, compressed: about a second
LAUNCHER = ("/cnb/lifecycle/launcher", "--")
"""Starts any program with the environment that the image's processes have."""


@dataclass(frozen=True)
class RunOptions:
    """How an image is started; what is not said is the image's.

    Args:
        env: added to the image's environment.
        binds: host files and folders to show inside.
        tmpfs: empty folders in memory.
        network: `host`, `none`, `private`; empty for the host's, or with ports a private one
            where that can be had.
        ports: of a private network, to be reached from outside.
        user: `name|uid[:name|gid]` in the place of the image's.
        working_dir: where the process starts.
        read_only: whether nothing of the image may be written.
        memory: bytes that all processes may have together; no limit if 0.
        terminal: whether the process gets a terminal of its own, joined to ours.
    """

    env: Mapping[str, str] = field(default_factory=dict)
    binds: tuple[Bind, ...] = ()
    tmpfs: tuple[str, ...] = ()
    network: str = ""
    ports: tuple[Port, ...] = ()
    user: str = ""
    working_dir: str = ""
    read_only: bool = False
    memory: int = 0
    terminal: bool = False


def run_image(
    home: Home,
    name: str,
    process: str | None = None,
    args: Sequence[str] = (),
    options: RunOptions | None = None,
    *,
    entrypoint: Sequence[str] = (),
    show: Callable[[str], None] = print,
) -> int:
    """Run an image's process in the foreground, as `docker run` would.

    Its layers are unpacked once and stacked; what it writes is thrown away when it ends. SIGINT
    and SIGTERM are passed on.

    Args:
        home: where layers are unpacked, and where images are looked up.
        name: an image of the store, or `oci:DIR[:NAME]` for an OCI layout elsewhere.
        process: process type to start; None for the image's default.
        args: replace the process's default arguments.
        options: how.
        entrypoint: what to start in the place of a process; args are its arguments.
        show: told what is done before the process starts.

    Returns:
        the process's exit code; 128 plus the signal's number if a signal ended it.

    Raises:
        UnknownImage: there is no such image.
        UserFault: it has no such process, or nothing to start.
        PlatformFault: a layer is damaged, or this host allows no sandbox.
    """
    options = options or RunOptions()
    store, image = open_image(home, name)
    command = [*entrypoint, *args] if entrypoint else command_of(image, process, args)
    ids = _ids(home, store, image, options.user)
    _announce(home, image, ids, show)
    with (
        held_layers(home, store, image, ids, show),
        _network(options, show) as (there, namespace),
        limited_memory(options.memory, show) as limit,
    ):
        sandbox = image_sandbox(home, store, image, options)
        sandbox = replace(sandbox, network=there, namespace=namespace, starting=limit)
        if options.terminal:
            with Terminal() as terminal:
                return terminal.run(sandbox, command)
        return sandbox.run(command)


def image_sandbox(
    home: Home, store: ImageStore, image: Image, options: RunOptions | None = None
) -> Sandbox:
    """The sandbox an image's processes run in, on this machine's network.

    Raises:
        PlatformFault: a layer is damaged, or the image is for another processor and this host
            does not emulate it.
    """
    options = options or RunOptions()
    ensure_emulation(home, str(image.config.get("architecture", "")))
    user = options.user or image.user
    ids = _ids(home, store, image, user)
    layers = tuple(ensure_layer(home, store, layer, ids) for layer in reversed(image.layers))
    uid, gid, user_home = find_user(user, layers)
    environment = {"PATH": _PATH, "HOME": user_home, **image.env, **options.env}
    if options.terminal or (sys.stdin is not None and sys.stdin.isatty()):
        environment.setdefault("TERM", os.environ.get("TERM", "xterm"))
    return Sandbox(
        scratch=home.tmp,
        layers=layers,
        closed=ids is not None,
        read_only=options.read_only,
        uid=uid,
        gid=gid,
        binds=tuple(options.binds),
        tmpfs=options.tmpfs,
        devices=_accelerators(),
        env=environment,
        cwd=options.working_dir or image.working_dir,
    )


def command_of(image: Image, process: str | None, args: Sequence[str]) -> list[str]:
    """The command line that starts a process of an image.

    Raises:
        UserFault: it has no such process, or nothing to start.
    """
    if process is None:
        command = [*image.entrypoint, *(args or image.cmd)]
        if not command:
            raise UserFault(
                f"{image.name!r} has no default process",
                remedy="say what to start: -- COMMAND [ARGUMENT…]",
            )
        return command
    types = [known.type for known in image.processes]
    if process not in types:
        raise UserFault(
            f"{image.name!r} has no process {process!r}",
            where="--process",
            remedy="use one of: " + ", ".join(types)
            if types
            else "leave it out: the image defines no processes",
        )
    return [f"/cnb/process/{process}", *args]


def _ids(home: Home, store: ImageStore, image: Image, user: str) -> tuple[int, int] | None:
    """Uid and gid by which the image's files are writable; None for root, for whom all are."""
    spec = user or image.user
    ids = numeric_ids(spec)
    if ids is None:
        plain = [ensure_layer(home, store, layer) for layer in reversed(image.layers)]
        uid, gid, _ = find_user(spec, plain)
        ids = (uid, gid)
    return ids if ids[0] else None


def _announce(
    home: Home, image: Image, ids: tuple[int, int] | None, show: Callable[[str], None]
) -> None:
    """Say what the first start of an image takes its time for."""
    new = {
        layer.digest: layer.size
        for layer in image.layers
        if not unpacked_place(home, layer, ids).is_dir()
    }
    size = sum(new.values())
    if size > _LARGE:
        show(f"Unpacking {Log.counted(len(new), 'layer')} ({size / 1e6:.0f} MB), once ...")


@contextmanager
def _network(
    options: RunOptions, show: Callable[[str], None]
) -> Iterator[tuple[bool, NetworkNamespace | None]]:
    mode = options.network or "host"
    if options.ports and not options.network:
        reason = hindrance({})
        mode = "host" if reason else "private"
        if reason:
            show(f"The image's ports are this machine's own: {reason}")
    if options.ports and mode != "private":
        moved = [port for port in options.ports if port.outside != port.inside]
        if mode == "none" or moved:
            raise UserFault(
                "ports can only be moved between two networks",
                where="--publish",
                remedy="install slirp4netns, and leave --network out",
            )
    with network_for(mode, {}, show, options.ports) as found:
        yield found


def _accelerators() -> tuple[Path, ...]:
    """Device files of GPUs and Edge TPUs on this host, for images that use them."""
    patterns = ("nvidia*", "dri", "kfd", "apex_*", "accel*")
    return tuple(sorted(path for pattern in patterns for path in Path("/dev").glob(pattern)))

"""Starts a built image without Docker: `cnbkit run`."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault, UserFault
from cnbkit_engine.oci.image import open_image
from cnbkit_engine.oci.unpack import ensure_layer, held_layers
from cnbkit_engine.sandbox.emulation import ensure_emulation
from cnbkit_engine.sandbox.network import network_for
from cnbkit_engine.sandbox.sandbox import Bind, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cnbkit_engine.oci.image import Image
    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.state.home import Home

__all__ = ["command_of", "image_sandbox", "run_image"]

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def run_image(
    home: Home,
    name: str,
    process: str | None = None,
    args: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    *,
    binds: Iterable[Bind] = (),
    network: str = "host",
) -> int:
    """Run an image's process in the foreground, as `docker run` would.

    Its layers are unpacked once and stacked; what it writes is thrown away when it ends. On the
    host's network, a port it listens on is the host's. SIGINT and SIGTERM are passed on.

    Args:
        home: where layers are unpacked, and where images are looked up.
        name: an image of the store, or `oci:DIR[:NAME]` for an OCI layout elsewhere.
        process: process type to start; None for the image's default.
        args: replace the process's default arguments.
        env: added to the image's environment.
        binds: host files and folders to show inside.
        network: `host`, `none`, or `private`.

    Returns:
        the process's exit code; 128 plus the signal's number if a signal ended it.

    Raises:
        UnknownImage: there is no such image.
        UserFault: it has no such process, or nothing to start.
        PlatformFault: a layer is damaged, or this host allows no sandbox.
    """
    store, image = open_image(home, name)
    command = command_of(image, process, args)
    with held_layers(home, store, image), network_for(network, {}, print) as (there, namespace):
        sandbox = image_sandbox(home, store, image, env, binds=binds)
        return replace(sandbox, network=there, namespace=namespace).run(command)


def image_sandbox(
    home: Home,
    store: ImageStore,
    image: Image,
    env: Mapping[str, str] | None = None,
    *,
    binds: Iterable[Bind] = (),
) -> Sandbox:
    """The sandbox an image's processes run in; see `run_image` for the arguments.

    Raises:
        PlatformFault: a layer is damaged, or the image is for another processor and this host
            does not emulate it.
    """
    ensure_emulation(home, str(image.config.get("architecture", "")))
    layers = tuple(ensure_layer(home, store, layer) for layer in reversed(image.layers))
    uid, gid, user_home = _user(image.user, layers)
    environment = {"PATH": _PATH, "HOME": user_home, **image.env, **(env or {})}
    if sys.stdin is not None and sys.stdin.isatty():
        environment.setdefault("TERM", os.environ.get("TERM", "xterm"))
    return Sandbox(
        scratch=home.tmp,
        layers=layers,
        uid=uid,
        gid=gid,
        binds=tuple(binds),
        devices=_accelerators(),
        env=environment,
        cwd=image.working_dir,
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


def _user(spec: str, layers: Sequence[Path]) -> tuple[int, int, str]:
    """Uid, gid and home folder of an image's USER: `name|uid[:name|gid]`, empty for root."""
    user, _, group = spec.partition(":")
    user = user or "0"
    for entry in _database("etc/passwd", layers, fields=7):
        if user in (entry[0], entry[2]):
            uid, gid, home = int(entry[2]), int(entry[3]), entry[5] or "/"
            break
    else:
        if not user.isdigit():
            raise _no_such(user, "/etc/passwd")
        uid, gid, home = int(user), 0, "/"
    if group:
        found = [
            entry[2] for entry in _database("etc/group", layers, fields=4) if entry[0] == group
        ]
        if not found and not group.isdigit():
            raise _no_such(group, "/etc/group")
        gid = int(found[0] if found else group)
    return uid, gid, home


def _database(name: str, layers: Sequence[Path], *, fields: int) -> list[list[str]]:
    """Entries of the image's passwd or group file: the topmost layer's that has one."""
    for layer in layers:
        path = layer / name
        # Not through a link: it would be followed on the host.
        if path.is_file() and not path.is_symlink() and not path.parent.is_symlink():
            lines = path.read_text(errors="replace").splitlines()
            entries = [line.split(":") for line in lines]
            return [entry for entry in entries if len(entry) == fields and entry[2].isdigit()]
    return []


def _no_such(who: str, where: str) -> PlatformFault:
    return PlatformFault(
        f"the image runs as {who!r}, whom it does not define",
        where=where,
        remedy="use a run image that defines this user, or numeric ids",
    )


def _accelerators() -> tuple[Path, ...]:
    """Device files of GPUs and Edge TPUs on this host, for images that use them."""
    patterns = ("nvidia*", "dri", "kfd", "apex_*", "accel*")
    return tuple(sorted(path for pattern in patterns for path in Path("/dev").glob(pattern)))

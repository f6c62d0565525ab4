"""Ports of a private network that can be reached from outside: slirp4netns carries them in.

They arrive at the network's own address, not at its loopback: a program that listens on 127.0.0.1
alone is not reached, as in any container.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault, UserFault

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnbkit_engine.sandbox.owner import HostUser
    from cnbkit_engine.sandbox.view import Port

__all__ = ["SOCKET", "control_folder", "forward"]

SOCKET = "control"
"""Name of the socket in its folder, by which slirp4netns is told what to do."""

_PATIENCE = 10.0  # seconds until it listens, on a busy machine


@contextmanager
def control_folder(user: HostUser | None) -> Iterator[Path]:
    """An empty folder that only the given user may enter."""
    # A socket's path is at most 107 bytes long, so it is not in a folder of ours.
    folder = Path(tempfile.mkdtemp(prefix="cnbkit-"))
    try:
        if user:
            os.chown(folder, user.uid, user.gid)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def forward(path: Path, ports: Sequence[Port]) -> None:
    """Have connections to ports of this machine carried into the network.

    Raises:
        UserFault: a port is taken, or only root may have it.
        PlatformFault: slirp4netns does not answer.
    """
    for port in ports:
        answer = _asked(
            path,
            {
                "execute": "add_hostfwd",
                "arguments": {
                    "proto": "tcp",
                    "host_addr": port.address,
                    "host_port": port.outside,
                    "guest_port": port.inside,
                },
            },
        )
        if "error" in answer:
            raise UserFault(
                f"port {port.outside} of this machine cannot be had",
                where="--publish",
                remedy="choose another one above 1023 that nobody listens on",
                detail=str(answer["error"]),
            )


def _asked(path: Path, question: dict[str, object]) -> dict[str, object]:
    until = time.monotonic() + _PATIENCE
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_PATIENCE)
        while True:
            try:
                connection.connect(str(path))
                break
            except OSError as error:
                if time.monotonic() > until:
                    raise _silent(str(error)) from error
                time.sleep(0.01)
        try:
            connection.sendall(json.dumps(question).encode())
            connection.shutdown(socket.SHUT_WR)
            data = b""
            while piece := connection.recv(4096):
                data += piece
            answer = json.loads(data)
        except (OSError, ValueError) as error:
            raise _silent(str(error)) from error
    return answer if isinstance(answer, dict) else {}


def _silent(detail: str) -> PlatformFault:
    return PlatformFault(
        "ports cannot be carried into a network of its own",
        where="slirp4netns --api-socket",
        remedy="use slirp4netns 0.4 or newer, or leave --publish out to share this machine's ports",
        detail=detail,
    )

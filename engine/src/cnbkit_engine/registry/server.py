"""Serves the image store to the lifecycle, by the OCI distribution API.

The lifecycle re-uses an old image's layers without touching them when the image is in a registry;
in an OCI layout it copies or hashes each (0.23 s against 0.74 s for an empty rebuild). So one is
run inside the build's own process, for the length of the build.

It is our own code because nothing kept serves here: no maintained Python library is a registry,
and go-containerregistry's keeps uploads and manifests in memory and would be another program to
start and to await. This one is listening as soon as it is made (the kernel queues connections),
writes straight into the store, and leaves nothing running.
"""

from __future__ import annotations

import errno
import os
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault
from cnbkit_engine.registry.exchange import Exchange
from cnbkit_engine.registry.http1 import BadRequest, Connection, Unfinished
from cnbkit_engine.registry.served import Served

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from cnbkit_engine.oci.store import ImageStore

__all__ = ["HOST", "PORT", "Registry"]

HOST = "store.localhost"
"""The name builds know the registry by. go-containerregistry speaks plain HTTP to *.localhost."""

PORT = 5095
"""The same for every build: it is part of the image name, which must not change."""

_PATIENCE = 5.0  # seconds


class Registry(Served):
    """A registry on a loopback address of its own, in a thread of this process.

    Every registry takes another address 127.x.y.z, so that concurrent builds can all use one
    port and one host name; the sandbox maps the name to the address. Use in a `with` block.

    Nobody gets in before `admit` is called, or `admitted`; a header is for what it was made for.

    Args:
        store: what it serves.
        port: TCP port.
        show: told when an image that is asked for is damaged.

    Raises:
        PlatformFault: the port is taken on all addresses.
    """

    def __init__(
        self,
        store: ImageStore,
        port: int = PORT,
        *,
        show: Callable[[str], None] = lambda _line: None,
    ) -> None:
        super().__init__(store, show)
        self._listener, self.address = _listen(port)
        self.host = f"{HOST}:{port}"
        self._peers: dict[socket.socket, threading.Thread] = {}

    def __enter__(self) -> Registry:
        threading.Thread(target=self._accept, name="registry", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._guard:
            self._closing = True
            peers = dict(self._peers)
        # shutdown, not close, wakes a thread that waits in accept or recv.
        for waiting in (self._listener, *peers):
            with suppress(OSError):  # the client was faster
                waiting.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.end_uploads()
        for thread in peers.values():
            thread.join(_PATIENCE)  # until it has thrown away what it was receiving

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return  # closed: the build is over
            with self._guard:
                if self._closing:
                    peer.close()
                    return
                thread = threading.Thread(
                    target=self._serve, args=(peer,), name="registry-client", daemon=True
                )
                self._peers[peer] = thread
            thread.start()

    def _serve(self, peer: socket.socket) -> None:
        connection = Connection(peer)
        try:
            while connection.keep and (request := connection.next_request()):
                Exchange(self, connection, request).run()
        except BadRequest as error:
            connection.keep = False
            with suppress(BadRequest, OSError, Unfinished):
                connection.answer(400, body=f"{error}\n".encode())
        except (OSError, Unfinished):
            pass  # the client went away; its upload was thrown away where it broke off
        finally:
            with self._guard:
                self._peers.pop(peer, None)
            connection.close()


def _listen(port: int) -> tuple[socket.socket, str]:
    for _ in range(20):
        x, y, z = os.urandom(3)
        # 127.0.0.* is where people start servers, and .0/.255 ends look like broadcasts.
        address = f"127.{x % 254 + 1}.{y}.{z % 254 + 1}"
        listener = socket.socket()
        try:
            listener.bind((address, port))
            listener.listen(64)
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE:
                raise PlatformFault(
                    "the build's registry cannot listen",
                    where=f"{address}:{port}",
                    remedy="allow listening on the loopback network 127.0.0.0/8",
                    detail=str(error),
                ) from error
        else:
            return listener, address
    raise PlatformFault(
        "another program listens on this port of every address",
        where=f"0.0.0.0:{port}",
        remedy=f"find it by `ss -ltnp 'sport = :{port}'` and stop it during builds",
    )

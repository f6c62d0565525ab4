"""A port that hands on to another one and counts the bytes of either direction."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["CountedPort"]

_PIECE = 1 << 16


class CountedPort:
    """Listens on a loopback port during a `with` block.

    Args:
        behind: host and port of what answers.

    Attributes:
        host: host and port to ask instead.
        sent: bytes that went to what answers.
        received: bytes that came back.
    """

    def __init__(self, behind: str) -> None:
        name, _, port = behind.rpartition(":")
        self._behind = (name, int(port))
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self.sent = self.received = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> CountedPort:
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        with self._lock:
            left = [self._listening, *self._open]
        for each in left:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:  # grows no more: nothing is accepted
            thread.join()
        self._listening.close()

    def _start(self, work: Callable[..., None], *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                asking, _ = self._listening.accept()
                self._start(self._serve, asking)

    def _serve(self, asking: socket.socket) -> None:
        with asking, socket.create_connection(self._behind) as answering:
            with self._lock:
                self._open |= {asking, answering}
            back = threading.Thread(target=self._hand_on, args=(answering, asking, False))
            back.start()
            self._hand_on(asking, answering, True)
            back.join()
            with self._lock:
                self._open -= {asking, answering}

    def _hand_on(self, source: socket.socket, target: socket.socket, asked: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(_PIECE):
                with self._lock:
                    if asked:
                        self.sent += len(piece)
                    else:
                        self.received += len(piece)
                target.sendall(piece)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

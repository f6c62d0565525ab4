"""A port that hands on to another one and counts the bytes of either direction."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
        self._counting = threading.Lock()

    def __enter__(self) -> CountedPort:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                asking, _ = self._listening.accept()
                answering = socket.create_connection(self._behind)
                for pair in ((asking, answering, True), (answering, asking, False)):
                    threading.Thread(target=self._hand_on, args=pair, daemon=True).start()

    def _hand_on(self, source: socket.socket, target: socket.socket, asked: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(_PIECE):
                with self._counting:
                    if asked:
                        self.sent += len(piece)
                    else:
                        self.received += len(piece)
                target.sendall(piece)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

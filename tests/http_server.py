"""A local HTTP server whose answers a test decides."""

from __future__ import annotations

import http.server
import threading
from abc import ABC, abstractmethod
from typing import Any

__all__ = ["HttpServer"]


class HttpServer(ABC):
    """Runs in a thread from when it is made until `close`.

    Attributes:
        url: where it answers, without a path.
    """

    def __init__(self) -> None:
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.answer(self)

            def log_message(self, *_: Any) -> None:
                """Keep the test's output clean."""

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    @abstractmethod
    def answer(self, to: http.server.BaseHTTPRequestHandler) -> None:
        """Answer one GET."""

    def close(self) -> None:
        """Stop answering."""
        self._http.shutdown()
        self._http.server_close()

"""Where a program listens, as far as its code says so in so many words."""

from __future__ import annotations

from cnbkit_start.syntax import all_nodes, dotted, last_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["loopback"]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_KEYWORDS = ("host", "hostname", "address", "addr", "interface", "server_name", "bind_addr")
# Others of that name connect (`Redis(host="localhost")`).
_LISTEN = (
    *("run", "serve", "listen", "launch", "run_app", "run_simple", "run_server", "make_server"),
    *("create_server", "start_server", "bind", "start", "WSGIServer", "HTTPServer", "Server"),
    *("ThreadingHTTPServer", "TCPServer", "ThreadingTCPServer", "TCPSite", "simple_server"),
)
# It listens on 127.0.0.1 if nobody says where.
_BY_DEFAULT = "uvicorn.run"


def loopback(body: list[Any]) -> tuple[str, int]:
    """The address, if it is one that only the same machine reaches, and its line."""
    for node in all_nodes(body):
        if type(node).__name__ != "Call" or last_name(node.func) not in _LISTEN:
            continue
        given = [each.value for each in node.keywords if each.arg in _KEYWORDS]
        # `HTTPServer(("localhost", 8000), …)`, `make_server("localhost", 8000, app)`
        for each in [*given, *node.args[:2]]:
            first = each.elts[0] if type(each).__name__ == "Tuple" and each.elts else each
            value = getattr(first, "value", None)
            if value in _LOOPBACK:
                return str(value), int(node.lineno)
        told = given or any(each.arg is None for each in node.keywords)
        if dotted(node.func) == _BY_DEFAULT and not told:
            return "127.0.0.1", int(node.lineno)
    return "", 0

"""Servers of agents: Google's Agent Development Kit."""

from __future__ import annotations

from cnbkit_start.frameworks.seen import PORT, Seen, process
from cnbkit_start.process import Found
from cnbkit_start.source import folders

__all__ = ["adk"]


def adk(seen: Seen) -> Found | None:
    """All agents of the app, each a package with an `agent.py`."""
    if not seen.packages.has("google-adk"):
        return None
    for name in folders(seen.app.root):
        if seen.app.has(f"{name}/agent.py"):
            line = f"adk api_server --host 0.0.0.0 --port {PORT} ."
            return process(line, f"google-adk in {name}/agent.py")
    return None

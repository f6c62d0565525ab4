"""What there is to look at, and how a process is made of it."""

from __future__ import annotations

from cnbkit.app import App
from cnbkit_start.declared import Declared
from cnbkit_start.process import Found
from cnbkit_start.procfile import command_of
from cnbkit_start.source import Source, sources

__all__ = ["PORT", "Seen", "process"]

PORT = "${PORT:-8080}"


class Seen:
    """The app's files and packages.

    Attributes:
        app: its files.
        packages: what it depends on.
    """

    def __init__(self, app: App, packages: Declared) -> None:
        self.app = app
        self.packages = packages
        self._sources: list[Source] | None = None

    @property
    def sources(self) -> list[Source]:
        """Read when a framework asks: most apps name what starts."""
        if self._sources is None:
            self._sources = sources(self.app)
        return self._sources


def process(line: str, origin: str, *, warning: str = "", text: str = "") -> Found:
    """`web` by one program.

    Args:
        line: the command; bash replaces itself by it where it needs one for $PORT.
        origin: where that comes from.
        warning: what is to be said of it.
        text: what people read in its place.
    """
    command = ["bash", "-c", f"exec {line}"] if "$" in line else command_of(line)
    return Found("web", text or line, command, origin, warning=warning)

"""What there is to look at, and how a process is made of it."""

from __future__ import annotations

from cnbkit.app import App
from cnbkit_start.declared import Declared
from cnbkit_start.process import Found
from cnbkit_start.procfile import command_of
from cnbkit_start.source import Source, read_source, sources

__all__ = ["PORT", "Seen", "process"]

PORT = "${PORT:-8080}"


class Seen:
    """The app's files and packages.

    Attributes:
        app: its files.
        packages: what it depends on.
        function: the name of the function that is asked for; empty if none is.
    """

    def __init__(
        self,
        app: App,
        packages: Declared,
        *,
        function: str = "",
        sources: list[Source] | None = None,
    ) -> None:
        self.app = app
        self.packages = packages
        self.function = function
        self._sources = sources

    @property
    def sources(self) -> list[Source]:
        """Read when a framework asks: most apps name what starts."""
        if self._sources is None:
            self._sources = sources(self.app)
        return self._sources

    def app_in(self, source: Source, *makers: str) -> tuple[str, int]:
        """The variable of a file that holds an app, and its line.

        Made there, or by a function of another file of the app: `app = create_app()`.
        """
        name, line = source.code.made_by(*makers)
        if name:
            return name, line
        for variable, number, origin in source.code.made_elsewhere():
            path = source.file_of(self.app, origin)
            if path and read_source(self.app, path).code.calls_in(origin.names[0], *makers):
                return variable, number
        return "", 0


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

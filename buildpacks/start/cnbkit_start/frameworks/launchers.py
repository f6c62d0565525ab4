"""The script that loads a model and runs an app of another file: a server would not load it."""

from __future__ import annotations

from cnbkit_start.frameworks.seen import Seen, process
from cnbkit_start.process import Found
from cnbkit_start.source import Source, sources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_start.code import Import

__all__ = ["by_launcher"]

# Without these an app runs as well.
_HARMLESS = ("log", "config", "setting", "parse", "arg", "env", "version", "banner", "print")


def by_launcher(seen: Seen, maker: Source, name: str, served: Found) -> Found:
    """What a person would start: that script where there is one, else the server.

    Where the script would be reached by nobody, it is the server, with a word about what it
    leaves out.

    Args:
        seen: the app.
        maker: the file that makes the app.
        name: the variable that holds it.
        served: how the server starts.
    """
    for source in sources(seen.app):
        if not source.is_script or not source.code.has_main or source.name == maker.name:
            continue
        found = source.code.launches(name)
        origins = {each: one for one in source.code.every_import() for each in one.names}
        if found is None or _file(seen, source, origins, name) != maker.name:
            continue
        for called, line in found.calls:
            root = called.partition(".")[0]
            plain = any(word in called.lower() for word in _HARMLESS)
            if root == name or plain or not _file(seen, source, origins, root):
                continue
            what = f"{source.name}:{line} calls {called} and then runs {name} of {maker.name}"
            if found.anywhere:
                why = "a server that imports the app would leave that out, so the script starts"
                return process(f"python3 {source.name}", source.name, warning=f"{what}: {why}")
            why = (
                "it listens where nothing outside of the image reaches it, so a server starts, "
                f"which leaves that out: call it in {maker.name}, or listen on 0.0.0.0"
            )
            served.warning = f"{what}; {why}"
            return served
    return served


def _file(seen: Seen, source: Source, origins: dict[str, Import], name: str) -> str:
    """The app's file that a name is imported from; empty if it is a package's, or none."""
    return source.file_of(seen.app, origins[name]) if name in origins else ""

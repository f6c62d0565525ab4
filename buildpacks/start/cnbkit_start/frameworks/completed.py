"""The file that adds routes to an app which another file makes: a server has to import that one."""

from __future__ import annotations

from cnbkit.app import App
from cnbkit_start.source import Source, sources

__all__ = ["completed"]

_ADDS = (
    *("include_router", "mount", "add_api_route", "add_api_websocket_route", "add_route"),
    *("register_blueprint", "add_url_rule", "register", "blueprint"),
)
_DECORATES = (
    *("get", "post", "put", "patch", "delete", "route", "api_route", "websocket"),
    *("on_event", "middleware", "exception_handler", "errorhandler", "before_request"),
)


def completed(app: App, source: Source, name: str) -> Source:
    """The one file of those where apps begin that imports the app and adds to it; else the maker.

    Args:
        app: its files.
        source: the file that makes it.
        name: the variable that holds it.
    """
    found = [
        each
        for each in sources(app)
        if each.name != source.name
        and _imports(app, each, source, name)
        and _adds(each, name)
        and not _brings(app, source, each)
    ]
    return found[0] if len(found) == 1 else source


def _imports(app: App, source: Source, maker: Source, name: str) -> bool:
    return any(
        name in each.names and source.file_of(app, each) == maker.name
        for each in source.code.certain_imports()
    )


def _adds(source: Source, name: str) -> bool:
    if source.code.runs(*(f"{name}.{each}" for each in _ADDS), on_import=True):
        return True
    return bool(source.code.functions_under(*(f"{name}.{each}" for each in _DECORATES)))


def _brings(app: App, maker: Source, other: Source) -> bool:
    """Whether the file that makes the app imports the other one itself."""
    from cnbkit_start.code import Import

    for found in maker.code.certain_imports():
        inner = [
            Import(f"{found.module}.{each}".lstrip("."), [], found.level, found.line)
            for each in found.names
        ]
        if any(maker.file_of(app, each) == other.name for each in (found, *inner)):
            return True
    return False

"""Web frameworks whose app is a variable, and the servers that run it (WSGI and ASGI)."""

from __future__ import annotations

from cnbkit import UserFault
from cnbkit_start.declared import Declared
from cnbkit_start.frameworks.seen import PORT, Seen, process
from cnbkit_start.process import Found
from cnbkit_start.source import Source

__all__ = ["ASGI_SERVERS", "WSGI_SERVERS", "asgi", "command", "missing", "wsgi"]

_ASGI = ("FastAPI", "Starlette", "Litestar", "FastHTML", "Quart")
_ASGI_PACKAGES = (
    *("fastapi", "starlette", "fasthtml", "python-fasthtml", "litestar", "quart"),
    # They bring FastAPI.
    "gradio",
)
_FLASK = ("Flask", "APIFlask")
ASGI_SERVERS = ("uvicorn", "hypercorn", "daphne", "granian")
"""In the order in which they count."""
WSGI_SERVERS = ("gunicorn", "uwsgi", "pyuwsgi", "waitress", "granian", "hypercorn")
"""Likewise."""


def asgi(seen: Seen) -> Found | None:
    """An app of FastAPI, Starlette, Litestar, FastHTML or Quart."""
    if not seen.packages.has(*_ASGI_PACKAGES):
        return None
    for source in seen.sources:
        name, line = seen.app_in(source, *_ASGI)
        factory = ""
        if not name and (source.code.imports("fastapi") or source.code.imports("starlette")):
            factory, line = source.code.factory()
        if name or factory:
            framework = "Quart" if source.code.imports("quart") else "FastAPI"
            return _asgi_process(seen, source, name, factory, framework, f"{source.name}:{line}")
    return None


def _asgi_process(
    seen: Seen, source: Source, name: str, factory: str, framework: str, origin: str
) -> Found:
    server = next((each for each in ASGI_SERVERS if seen.packages.has(each)), "")
    runs = source.code.runs(f"{name}.run", "uvicorn.run", "hypercorn.run", on_import=True)
    if source.is_script and runs:
        # A server that imports it would start the other one within itself.
        host = source.code.keyword("uvicorn.run", "host") or source.code.keyword(
            f"{name}.run", "host"
        )
        return process(
            f"python3 {source.name}",
            source.name,
            warning=""
            if host == "0.0.0.0"  # noqa: S104
            else f"{source.name} starts a server whenever it is imported, and by its own means: "
            'write `if __name__ == "__main__":` above that, or let it listen on 0.0.0.0:$PORT',
        )
    if server and not (factory and server == "daphne"):
        target = f"{source.module}:{name or factory}"
        line = command(server, target, source.root, is_asgi=True, factory=bool(factory))
        return process(line, origin)
    if source.is_script and source.code.has_main and not source.code.imports("uvicorn"):
        return _by_itself(seen, source, "uvicorn", framework)
    raise missing(seen.packages, "uvicorn", framework, origin)


def wsgi(seen: Seen) -> Found | None:
    """An app of Flask, or a function that takes requests as WSGI has them."""
    if not seen.packages.has("flask"):
        return _plain(seen)
    for source in seen.sources:
        name, line = seen.app_in(source, *_FLASK)
        factory = ""
        if not name and source.code.imports("flask"):
            factory, line = source.code.factory()
        if name or factory:
            return _flask(seen, source, name, factory, f"{source.name}:{line}")
    return _plain(seen)


def _plain(seen: Seen) -> Found | None:
    for source in seen.sources:
        name, line = source.code.wsgi_function()
        if not name:
            continue
        server = next((each for each in WSGI_SERVERS if seen.packages.has(each)), "")
        origin = f"{source.name}:{line}"
        if not server and source.code.has_main:
            return None  # it starts a server by itself
        if not server:
            raise missing(seen.packages, "gunicorn", "an app (WSGI)", origin)
        target = f"{source.module}:{name}"
        return process(command(server, target, source.root, is_asgi=False), origin)
    return None


def _flask(seen: Seen, source: Source, name: str, factory: str, origin: str) -> Found:
    server = next((each for each in WSGI_SERVERS if seen.packages.has(each)), "")
    target = f"{source.module}:{name or factory}"
    # Flask's word to `app.run()`, which stands where an import comes by, to do nothing.
    no_run = source.code.runs(f"{name}.run", on_import=True)
    variables = "FLASK_RUN_FROM_CLI=true " if no_run else ""
    if server:
        line = command(server, target, source.root, is_asgi=False, factory=bool(factory))
        return process(f"env {variables}{line}" if variables else line, origin)
    # The variable is older than `--app`, which Flask has since 2.2.
    path = f"PYTHONPATH={source.root} " if source.root else ""
    return process(
        f"env {path}FLASK_APP={target} flask run --host 0.0.0.0 --port {PORT}",
        origin,
        warning="Flask runs by its own means, which are not made for production: "
        f"{seen.packages.to_add('gunicorn')}",
    )


def command(server: str, target: str, root: str, *, is_asgi: bool, factory: bool = False) -> str:
    """What runs `module:name`, importing from the app's root or a folder of it."""
    called = f"'{target}()'" if factory else target
    path = f"env PYTHONPATH={root} " if root else ""
    if server == "uvicorn":
        options = f"{f' --app-dir {root}' if root else ''}{' --factory' if factory else ''}"
        return f"uvicorn{options} --host 0.0.0.0 --port {PORT} {target}"
    if server == "gunicorn":
        option = f" --pythonpath {root}" if root else ""
        return f"gunicorn{option} --bind 0.0.0.0:{PORT} {called}"
    if server in ("uwsgi", "pyuwsgi"):
        option = f" --pythonpath {root}" if root else ""
        return (
            'uwsgi ${VIRTUAL_ENV:+--virtualenv "$VIRTUAL_ENV"} --master --die-on-term --need-app'
            f"{option} --http-socket 0.0.0.0:{PORT} --module {called}"
        )
    if server == "waitress":
        option = " --call" if factory else ""
        return f"{path}waitress-serve --listen=0.0.0.0:{PORT}{option} {target}"
    if server == "daphne":
        return f"{path}daphne -b 0.0.0.0 -p {PORT} {target}"
    if server == "granian":
        option = " --factory" if factory else ""
        interface = "asgi" if is_asgi else "wsgi"
        return (
            f"{path}granian --interface {interface}{option} --host 0.0.0.0 --port {PORT} {target}"
        )
    called = called if is_asgi else called.replace(target, f"wsgi:{target}")
    return f"{path}hypercorn --bind 0.0.0.0:{PORT} {called}"


def _by_itself(seen: Seen, source: Source, server: str, framework: str) -> Found:
    return process(
        f"python3 {source.name}",
        source.name,
        warning=f"{framework} runs by its own means, which are not made for production: "
        f"{seen.packages.to_add(server)}",
    )


def missing(packages: Declared, server: str, framework: str, origin: str) -> UserFault:
    """What says that a framework is there and nothing that runs it."""
    return UserFault(
        f"{framework} is found in {origin}, but no server that runs it: {server} is not among "
        f"{packages.of_file}",
        where=origin,
        remedy=f"{packages.to_add(server)}, or say what to start in a Procfile: `web: <command>`",
    )

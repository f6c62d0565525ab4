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
    *("falcon", "connexion", "blacksheep", "python-socketio"),
    # They bring FastAPI.
    "gradio",
)
_ASGI_MODULES = ("fastapi", "starlette", "litestar", "fasthtml", "quart")
# Whose apps have names that others have as well: those count in a file that imports the module.
_ASGI_BY_MODULE = (
    ("falcon.asgi", ("App",), "Falcon"),
    ("connexion", ("AsyncApp", "FlaskApp", "App"), "Connexion"),
    ("blacksheep", ("Application",), "BlackSheep"),
    ("socketio", ("ASGIApp",), "Socket.IO"),
)
_FLASK = ("Flask", "APIFlask", "OpenAPI", "Eve")
_WSGI_BY_MODULE = (
    ("falcon", ("App", "API"), "Falcon"),
    ("pyramid", ("make_wsgi_app",), "Pyramid"),
    ("socketio", ("WSGIApp",), "Socket.IO"),
)
ASGI_SERVERS = ("uvicorn", "hypercorn", "daphne", "granian")
"""In the order in which they count."""
WSGI_SERVERS = ("gunicorn", "uwsgi", "pyuwsgi", "waitress", "granian", "hypercorn")
"""Likewise."""


def asgi(seen: Seen) -> Found | None:
    """An app of FastAPI, Starlette, Litestar, FastHTML, Quart and others of their kind."""
    if not seen.packages.has(*_ASGI_PACKAGES):
        return None
    if seen.packages.has("ray") and any(
        source.code.decorated("serve.ingress", "ingress")[0] for source in seen.sources
    ):
        return None  # its routes are methods of what Ray starts
    for source in seen.sources:
        if _lacks(seen, source):
            continue
        framework = "Quart" if source.code.imports("quart") else "FastAPI"
        name, line = seen.app_in(source, *_ASGI)
        factory = ""
        if not name and any(source.code.imports(each) for each in _ASGI_MODULES):
            factory, line = source.code.factory(*_ASGI)
        for module, makers, label in () if name or factory else _ASGI_BY_MODULE:
            if source.code.imports(module):
                framework = label
                name, line = seen.app_in(source, *makers)
                if not name:
                    factory, line = source.code.factory(*makers)
                break
        if name or factory:
            return _asgi_process(seen, source, name, factory, framework, f"{source.name}:{line}")
    return None


def _lacks(seen: Seen, source: Source) -> bool:
    """Whether its framework certainly is not installed: an aside, that the app does without."""
    modules = [each for each in _ASGI_MODULES if source.code.imports(each)]
    packages = [name for each in modules for name in (each, f"python-{each}")]
    known = seen.packages.complete and seen.packages.whole
    return bool(modules) and known and not seen.packages.has(*packages)


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
        from cnbkit_start.frameworks.completed import completed
        from cnbkit_start.frameworks.launchers import by_launcher

        source = completed(seen.app, source, name) if name else source
        target = f"{source.module}:{name or factory}"
        line = command(server, target, source.root, is_asgi=True, factory=bool(factory))
        served = process(line, origin)
        return by_launcher(seen, source, name, served) if name else served
    if source.is_script and source.code.has_main and not source.code.imports("uvicorn"):
        return _by_itself(seen, source, "uvicorn", framework)
    raise missing(seen.packages, "uvicorn", framework, origin)


def wsgi(seen: Seen) -> Found | None:
    """An app of Flask, Falcon or Pyramid, or a function that takes requests as WSGI has them."""
    for source in seen.sources if seen.packages.has("flask", "flask-openapi3", "eve") else ():
        name, line = seen.app_in(source, *_FLASK)
        factory = ""
        if not name and source.code.imports("flask"):
            factory, line = source.code.factory(*_FLASK)
        if name or factory:
            return _flask(seen, source, name, factory, f"{source.name}:{line}")
    return _plain(seen)


def _plain(seen: Seen) -> Found | None:
    for source in seen.sources:
        framework = "an app (WSGI)"
        name, line = source.code.wsgi_function()
        factory = ""
        for module, makers, label in () if name else _WSGI_BY_MODULE:
            if seen.packages.has(module, f"python-{module}") and source.code.imports(module):
                framework = label
                name, line = seen.app_in(source, *makers)
                if not name:
                    factory, line = source.code.factory(*makers)
                break
        if not name and not factory:
            continue
        server = next((each for each in WSGI_SERVERS if seen.packages.has(each)), "")
        origin = f"{source.name}:{line}"
        if not server and source.code.has_main:
            return None  # it starts a server by itself
        if not server:
            raise missing(seen.packages, "gunicorn", framework, origin)
        target = f"{source.module}:{name or factory}"
        line_of_server = command(server, target, source.root, is_asgi=False, factory=bool(factory))
        return process(line_of_server, origin)
    return None


def _flask(seen: Seen, source: Source, name: str, factory: str, origin: str) -> Found:
    from cnbkit_start.frameworks.completed import completed
    from cnbkit_start.frameworks.launchers import by_launcher

    server = next((each for each in WSGI_SERVERS if seen.packages.has(each)), "")
    source = completed(seen.app, source, name) if name else source
    target = f"{source.module}:{name or factory}"
    # Flask's word to `app.run()`, which stands where an import comes by, to do nothing.
    no_run = source.code.runs(f"{name}.run", on_import=True)
    variables = "FLASK_RUN_FROM_CLI=true " if no_run else ""
    if server:
        line = command(server, target, source.root, is_asgi=False, factory=bool(factory))
        served = process(f"env {variables}{line}" if variables else line, origin)
        return by_launcher(seen, source, name, served) if name else served
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

"""Web frameworks that bring a server of their own: Bottle, Sanic, CherryPy, Robyn, aiohttp."""

from __future__ import annotations

from cnbkit_start.frameworks.seen import PORT, Seen, process
from cnbkit_start.frameworks.servers import WSGI_SERVERS, command
from cnbkit_start.process import Found

__all__ = ["aiohttp", "bottle", "cherrypy", "robyn", "sanic"]


def bottle(seen: Seen) -> Found | None:
    """An app of Bottle, by a WSGI server or by Bottle's own program.

    The program imports a file without what `run()` in it would do.
    """
    for source in seen.sources if seen.packages.has("bottle") else ():
        if not source.code.imports("bottle"):
            continue
        name, line = seen.app_in(source, "Bottle", "default_app")
        runs = source.code.runs("run", "bottle.run", f"{name}.run")
        runs_at_once = source.code.runs("run", "bottle.run", f"{name}.run", on_import=True)
        factory = ""
        if not name and not runs:
            factory, line = source.code.factory("Bottle", "default_app")
        if not (name or factory or runs):
            continue
        origin = f"{source.name}:{line}" if line else source.name
        server = next((each for each in WSGI_SERVERS if seen.packages.has(each)), "")
        if server and (name or factory) and not runs_at_once:
            target = f"{source.module}:{name or factory}"
            called = command(server, target, source.root, is_asgi=False, factory=bool(factory))
            return process(called, origin)
        target = f"{source.module}:{name}" if name else source.module
        target = f"'{source.module}:{factory}()'" if factory else target
        path = f"env PYTHONPATH={source.root} " if source.root else ""
        by = f" --server {server}" if server in ("gunicorn", "waitress") else ""
        return process(
            f"{path}python3 -m bottle{by} --bind 0.0.0.0:{PORT} {target}",
            origin,
            warning=""
            if by
            else "Bottle runs by its own means, which are not made for production: "
            f"{seen.packages.to_add('gunicorn')}",
        )
    return None


def sanic(seen: Seen) -> Found | None:
    """An app of Sanic, by its own program."""
    for source in seen.sources if seen.packages.has("sanic") else ():
        name, line = seen.app_in(source, "Sanic") if source.code.imports("sanic") else ("", 0)
        factory = ""
        if not name and source.code.imports("sanic"):
            factory, line = source.code.factory("Sanic")
        if not name and not factory:
            continue
        if name and source.is_script and source.code.runs(f"{name}.run", on_import=True):
            return process(f"python3 {source.name}", source.name)
        path = f"env PYTHONPATH={source.root} " if source.root else ""
        option = " --factory" if factory else ""
        target = f"{source.module}:{name or factory}"
        return process(
            f"{path}sanic{option} --host 0.0.0.0 --port {PORT} {target}", f"{source.name}:{line}"
        )
    return None


def cherrypy(seen: Seen) -> Found | None:
    """A script of CherryPy, told where to listen before it begins; what it says itself counts."""
    for source in seen.sources if seen.packages.has("cherrypy") else ():
        if not source.is_script or not source.code.imports("cherrypy"):
            continue
        if not source.code.runs("cherrypy.quickstart", "cherrypy.engine.start", "quickstart"):
            continue
        code = (
            "import cherrypy, os, runpy; cherrypy.config.update({'server.socket_host': '0.0.0.0', "
            "'server.socket_port': int(os.environ.get('PORT') or 8080)}); "
            f"runpy.run_path({source.name!r}, run_name='__main__')"
        )
        text = f"python3 {source.name} (on 0.0.0.0:$PORT)"
        return Found("web", text, ["python3", "-c", code], f"cherrypy in {source.name}")
    return None


def robyn(seen: Seen) -> Found | None:
    """A script of Robyn, which reads from the environment where to listen."""
    for source in seen.sources if seen.packages.has("robyn") else ():
        if source.is_script and source.code.imports("robyn") and not source.code.only_defines:
            line = f"env ROBYN_HOST=0.0.0.0 ROBYN_PORT={PORT} python3 {source.name}"
            return process(line, f"robyn in {source.name}")
    return None


def aiohttp(seen: Seen) -> Found | None:
    """The only module of a package that runs an app of aiohttp when it is started.

    A script in the root is found like any other.
    """
    runs = [
        source
        for source in (seen.sources if seen.packages.has("aiohttp") else ())
        if "/" in source.name
        and source.code.imports("aiohttp")
        and source.code.runs("web.run_app", "aiohttp.web.run_app", "run_app")
        and (source.code.has_main or not source.code.only_defines)
    ]
    if len(runs) != 1:
        return None
    [source] = runs
    path = f"env PYTHONPATH={source.root} " if source.root else ""
    return process(f"{path}python3 -m {source.module}", source.name)

"""What starts when nobody says so: from the packages the app declares and from its files."""

from __future__ import annotations

from cnbkit import BuildContext, UserFault
from cnbkit_start.declared import Declared
from cnbkit_start.process import Found
from cnbkit_start.procfile import command_of
from cnbkit_start.source import Source, folders, sources

__all__ = ["SCRIPTS", "notebook", "train", "web"]

SCRIPTS = ("app.py", "main.py")
_PORT = "${PORT:-8080}"


class _App:
    """What there is to look at."""

    def __init__(self, ctx: BuildContext, packages: Declared) -> None:
        self.ctx = ctx
        self.files = ctx.app
        self.packages = packages
        self._sources: list[Source] | None = None

    @property
    def sources(self) -> list[Source]:
        """Read when a framework asks: most apps name what starts."""
        if self._sources is None:
            self._sources = sources(self.ctx)
        return self._sources


def web(ctx: BuildContext, packages: Declared) -> Found | None:
    """The process that answers requests; None if nothing tells what it could be.

    Raises:
        UserFault: it is known, but its server is not among the packages.
    """
    app = _App(ctx, packages)
    for framework in (
        _django, _streamlit, _gradio, _asgi, _wsgi, _mlflow, _bentoml, _ray, _script_of_project,
    ):  # fmt: skip
        found = framework(app)
        if found is not None:
            return found
    for name in SCRIPTS:
        if ctx.app.has(name):
            # Not `python`: where no other buildpack brings one, Debian's base has only python3.
            return Found("web", f"python3 {name}", ["python3", name], name)
    return None


def train(ctx: BuildContext) -> Found | None:
    """The process that trains, if there is a train.py."""
    name = "train.py"
    if not ctx.app.has(name):
        return None
    return Found("train", f"python3 {name}", ["python3", name], name)


def notebook(packages: Declared) -> Found | None:
    """Jupyter, if it is among the packages.

    Whoever opens it needs a token: JUPYTER_TOKEN, or the one that Jupyter makes and prints.
    """
    lab = packages.has("jupyterlab", "jupyter")
    if not lab and not packages.has("notebook"):
        return None
    line = (
        f"jupyter {'lab' if lab else 'notebook'} --no-browser --ip=0.0.0.0 --port={_PORT} "
        "--ServerApp.port_retries=0"
    )
    guard = (
        '[ -n "${JUPYTER_TOKEN-unset}" ] || '
        '{ echo "Error: JUPYTER_TOKEN is empty: set it, or unset it to get one made" >&2; '
        "exit 64; }; "
    )
    origin = f"{packages.file}: {'jupyterlab' if lab else 'notebook'}"
    return Found("notebook", line, ["bash", "-c", f"{guard}exec {line}"], origin)


def _found(line: str, origin: str) -> Found:
    # Each is one program, so that bash, which is there for $PORT, replaces itself by it.
    command = ["bash", "-c", f"exec {line}"] if "$" in line else command_of(line)
    return Found("web", line, command, origin)


def _missing(app: _App, server: str, framework: str, origin: str) -> UserFault:
    return UserFault(
        f"{framework} is found in {origin}, but no server that runs it: {server} is not among "
        f"the packages of {app.packages.file}",
        where=origin,
        remedy=f"add the line `{server}` to the dependencies in {app.packages.file}, "
        "or say what to start in a Procfile: `web: <command>`",
    )


def _served(
    app: _App,
    server: str,
    framework: str,
    source: Source,
    line: str,
    origin: str,
) -> Found:
    """By its server; else as a script, if it can be one."""
    if app.packages.has(server):
        return _found(line, origin)
    if source.runs and not source.root and "/" not in source.name:
        app.ctx.log.warn(
            f"{framework} runs by its own means, which are not made for production: add the line "
            f"`{server}` to the dependencies in {app.packages.file}"
        )
        return Found("web", f"python3 {source.name}", ["python3", source.name], source.name)
    raise _missing(app, server, framework, origin)


def _django(app: _App) -> Found | None:
    if not app.packages.has("django") or not app.files.has("manage.py"):
        return None
    words = app.files.bytes("manage.py").decode(errors="replace").replace("'", '"').split('"')
    settings = words[words.index("DJANGO_SETTINGS_MODULE") + 2 :] if _SETTINGS in words else []
    project = settings[0].rpartition(".settings")[0].partition(".settings")[0] if settings else ""
    folder = project.replace(".", "/")
    wsgi, asgi = f"{folder}/wsgi.py", f"{folder}/asgi.py"
    has_asgi = bool(project) and app.files.has(asgi)
    if project and app.files.has(wsgi) and (app.packages.has("gunicorn") or not has_asgi):
        if not app.packages.has("gunicorn"):
            raise _missing(app, "gunicorn", "Django", wsgi)
        return _found(f"gunicorn --bind 0.0.0.0:{_PORT} {project}.wsgi:application", wsgi)
    if has_asgi:
        if not app.packages.has("uvicorn"):
            raise _missing(app, "gunicorn", "Django", wsgi if app.files.has(wsgi) else asgi)
        return _found(f"uvicorn --host 0.0.0.0 --port {_PORT} {project}.asgi:application", asgi)
    return None


_SETTINGS = "DJANGO_SETTINGS_MODULE"


def _streamlit(app: _App) -> Found | None:
    if not app.packages.has("streamlit"):
        return None
    for source in app.sources:
        if source.imports("streamlit"):
            line = (
                f"streamlit run --server.port={_PORT} --server.address=0.0.0.0 "
                f"--server.headless=true --browser.gatherUsageStats=false {source.name}"
            )
            return _found(line, f"streamlit in {source.name}")
    return None


def _gradio(app: _App) -> Found | None:
    if not app.packages.has("gradio"):
        return None
    for source in app.sources:
        # Mounted into another framework's app it is that one's to start.
        if source.imports("gradio") and not source.made_by("FastAPI", "Flask")[0]:
            line = (
                'export GRADIO_SERVER_NAME="${GRADIO_SERVER_NAME:-0.0.0.0}" '
                f'GRADIO_SERVER_PORT="${{GRADIO_SERVER_PORT:-{_PORT}}}"; '
                f"exec python3 {source.name}"
            )
            text = f"python3 {source.name} (on 0.0.0.0:$PORT)"
            return Found("web", text, ["bash", "-c", line], f"gradio in {source.name}")
    return None


def _asgi(app: _App) -> Found | None:
    if not app.packages.has("fastapi", "starlette", "fasthtml", "python-fasthtml", "litestar"):
        return None
    for source in app.sources:
        name, line = source.made_by("FastAPI", "Starlette", "Litestar", "FastHTML")
        factory = ""
        if not name and (source.imports("fastapi") or source.imports("starlette")):
            name, line = source.factory()
            factory = " --factory" if name else ""
        if name:
            root = f" --app-dir {source.root}" if source.root else ""
            command = f"uvicorn{root}{factory} --host 0.0.0.0 --port {_PORT} {source.module}:{name}"
            origin = f"{source.name}:{line}"
            return _served(app, "uvicorn", "FastAPI", source, command, origin)
    return None


def _wsgi(app: _App) -> Found | None:
    if not app.packages.has("flask"):
        return None
    for source in app.sources:
        name, line = source.made_by("Flask")
        if not name and source.imports("flask"):
            name, line = source.factory()
            name = f"'{source.module}:{name}()'" if name else ""
        elif name:
            name = f"{source.module}:{name}"
        if name:
            root = f" --chdir {source.root}" if source.root else ""
            command = f"gunicorn{root} --bind 0.0.0.0:{_PORT} {name}"
            origin = f"{source.name}:{line}"
            return _served(app, "gunicorn", "Flask", source, command, origin)
    return None


def _mlflow(app: _App) -> Found | None:
    if not app.packages.has("mlflow"):
        return None
    for folder in (".", *folders(app.files.root)):
        if app.files.has(f"{folder}/MLmodel"):
            line = (
                f"mlflow models serve --model-uri {folder} --host 0.0.0.0 --port {_PORT} "
                "--env-manager local"
            )
            return _found(line, f"{folder}/MLmodel".removeprefix("./"))
    return None


def _bentoml(app: _App) -> Found | None:
    if not app.packages.has("bentoml"):
        return None
    options = f"--host 0.0.0.0 --port {_PORT}"
    if app.files.has("bentofile.yaml"):
        for number, line in enumerate(app.files.text("bentofile.yaml").splitlines(), 1):
            key, _, value = line.partition(":")
            service = value.partition(" #")[0].strip(" \t\r\"'")
            is_name = service.replace(":", "_").replace(".", "_").isidentifier()
            if key == "service" and is_name:
                return _found(f"bentoml serve {options} {service}", f"bentofile.yaml:{number}")
    for source in app.sources:
        for number, line in enumerate(source.lines, 1):
            if line.startswith(("@bentoml.service", "@service")) and source.imports("bentoml"):
                rest = source.lines[number:]
                name = next((e[6:] for e in rest if e.startswith("class ")), "")
                name = name.partition(":")[0].partition("(")[0].strip()
                if name.isidentifier() and not source.root:
                    target = f"{source.module}:{name}"
                    return _found(f"bentoml serve {options} {target}", f"{source.name}:{number}")
    return None


def _ray(app: _App) -> Found | None:
    if not app.packages.has("ray"):
        return None
    for source in app.sources:
        name, line = source.made_by("bind")
        if name and source.imports("ray"):
            root = f"sys.path.insert(0, {source.root!r}); " if source.root else ""
            code = (
                f"import os, signal, sys; {root}sys.path.insert(0, '.'); from ray import serve; "
                "serve.start(http_options={'host': '0.0.0.0', "
                "'port': int(os.environ.get('PORT') or 8080)}); "
                # Ray's own handler aborts, with a stack trace.
                "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); "
                f"from {source.module} import {name}; serve.run({name}, blocking=True)"
            )
            text = f"Ray Serve with {source.module}:{name}"
            return Found("web", text, ["python3", "-c", code], f"{source.name}:{line}")
    return None


def _script_of_project(app: _App) -> Found | None:
    """The only console script that pyproject.toml declares."""
    name = "pyproject.toml"
    text = app.files.text(name) if app.files.has(name) else ""
    if "[project.scripts]" not in text.replace(" ", ""):
        return None
    project = app.files.toml(name).get("project")
    scripts = project.get("scripts") if isinstance(project, dict) else None
    if not isinstance(scripts, dict) or len(scripts) != 1:
        return None
    [script] = scripts
    if not script or any(char in " \t/'\"\\$`" for char in script):
        return None
    return _found(script, f"[project.scripts] in {name}")

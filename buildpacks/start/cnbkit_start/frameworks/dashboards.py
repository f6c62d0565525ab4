"""Apps in the browser that bring a server of their own, and notebooks."""

from __future__ import annotations

import os

from cnbkit_start.declared import Declared
from cnbkit_start.frameworks.seen import PORT, Seen, process
from cnbkit_start.process import Found
from cnbkit_start.source import Source

__all__ = [
    "by_gradio",
    "chainlit",
    "dash",
    "gradio",
    "jupyter",
    "marimo",
    "panel",
    "shiny",
    "solara",
    "streamlit",
    "voila",
]


def streamlit(seen: Seen) -> Found | None:
    """A script of Streamlit."""
    source = _importing(seen, "streamlit")
    if source is None:
        return None
    return process(
        f"{_path(seen, source)}streamlit run --server.port={PORT} --server.address=0.0.0.0 "
        f"--server.headless=true --browser.gatherUsageStats=false {source.name}",
        f"streamlit in {source.name}",
    )


def chainlit(seen: Seen) -> Found | None:
    """A script of Chainlit."""
    source = _importing(seen, "chainlit")
    if source is None:
        return None
    line = (
        f"{_path(seen, source)}chainlit run --headless --host 0.0.0.0 --port {PORT} {source.name}"
    )
    return process(line, f"chainlit in {source.name}")


def gradio(seen: Seen) -> Found | None:
    """A script of Gradio, which reads from the environment where to listen."""
    source = _importing(seen, "gradio")
    # Mounted into another framework's app it is that one's to start.
    if source is None or source.code.made_by("FastAPI", "Flask")[0]:
        return None
    return _gradio(source.name, f"gradio in {source.name}")


def by_gradio(name: str) -> Found:
    """A script that starts an app of Gradio, which is in other modules."""
    return _gradio(name, name)


def _gradio(name: str, origin: str) -> Found:
    line = (
        'export GRADIO_SERVER_NAME="${GRADIO_SERVER_NAME:-0.0.0.0}" '
        f'GRADIO_SERVER_PORT="${{GRADIO_SERVER_PORT:-{PORT}}}"; '
        f"exec python3 {name}"
    )
    return Found("web", f"python3 {name} (on 0.0.0.0:$PORT)", ["bash", "-c", line], origin)


def dash(seen: Seen) -> Found | None:
    """An app of Dash, which is a Flask app within."""
    if not seen.packages.has("dash"):
        return None
    for source in seen.sources:
        name, line = source.code.made_by("Dash")
        if not name:
            continue
        server = source.code.attribute_of(name, "server") or f"{name}.server"
        origin = f"{source.name}:{line}"
        if seen.packages.has("gunicorn"):
            option = f" --pythonpath {source.root}" if source.root else ""
            target = f"{source.module}:{server}"
            return process(f"gunicorn{option} --bind 0.0.0.0:{PORT} {target}", origin)
        return _dash(seen, source, name, origin)
    return None


def _dash(seen: Seen, source: Source, name: str, origin: str) -> Found:
    """By Flask's own server: `app.run(debug=True)` would open its debugger to everybody."""
    warning = (
        "Dash runs by its own means, which are not made for production: "
        f"{seen.packages.to_add('gunicorn')}"
    )
    if source.code.runs(f"{name}.run", f"{name}.run_server", on_import=True):
        line = f"env HOST=0.0.0.0 PORT={PORT} python3 {source.name}"
        return process(line, origin, warning=warning)
    root = f"sys.path.insert(0, {source.root!r}); " if source.root else ""
    code = (
        f"import os, sys; {root}from {source.module} import {name}; "
        f"{name}.server.run(host='0.0.0.0', port=int(os.environ.get('PORT') or 8080))"
    )
    text = f"Dash with {source.module}:{name} (on 0.0.0.0:$PORT)"
    return Found("web", text, ["python3", "-c", code], origin, warning=warning)


def panel(seen: Seen) -> Found | None:
    """A script of Panel, or a notebook."""
    source = _importing(seen, "panel")
    if source is None:
        return None
    return process(
        f"{_path(seen, source)}panel serve --address 0.0.0.0 --port {PORT} "
        f"--allow-websocket-origin='*' {source.name}",
        f"panel in {source.name}",
    )


def shiny(seen: Seen) -> Found | None:
    """An app of Shiny."""
    source = _importing(seen, "shiny")
    if source is None:
        return None
    line = f"{_path(seen, source)}shiny run --host 0.0.0.0 --port {PORT} {source.name}"
    return process(line, f"shiny in {source.name}")


def solara(seen: Seen) -> Found | None:
    """A script of Solara that has a page."""
    source = _importing(seen, "solara")
    if source is None or source.code.made_by("FastAPI", "Flask", "Starlette")[0]:
        return None
    line = (
        f"{_path(seen, source)}solara run --host 0.0.0.0 --port {PORT} --production {source.name}"
    )
    return process(line, f"solara in {source.name}")


def marimo(seen: Seen) -> Found | None:
    """A notebook of marimo, as an app."""
    source = _importing(seen, "marimo")
    if source is None or not source.code.made_by("App")[0]:
        return None
    line = f"marimo run --headless --host 0.0.0.0 --port {PORT} {source.name}"
    return process(line, f"marimo in {source.name}")


def voila(seen: Seen) -> Found | None:
    """The only notebook, by Voilà; all of them in its list if there are several."""
    if not seen.packages.has("voila"):
        return None
    names = sorted(each for each in os.listdir(seen.app.root) if each.endswith(".ipynb"))
    if not names:
        return None
    quoted = "'" + names[0].replace("'", "'\\''") + "'"
    name = f" {quoted}" if len(names) == 1 else ""
    line = f"voila --no-browser --Voila.ip=0.0.0.0 --port={PORT}{name}"
    # Widgets bring a kernel no more, and without one each page is an error.
    has_kernel = seen.packages.has("ipykernel", "jupyterlab", "jupyter", "notebook")
    warning = f"notebooks need a kernel: {seen.packages.to_add('ipykernel')}"
    return process(line, f"voila in {seen.packages.file}", warning="" if has_kernel else warning)


def jupyter(packages: Declared) -> Found:
    """Jupyter, which whoever opens it needs a token for: JUPYTER_TOKEN, or one that it makes."""
    lab = packages.has("jupyterlab", "jupyter")
    line = (
        f"jupyter {'lab' if lab else 'notebook'} --no-browser --ip=0.0.0.0 --port={PORT} "
        "--ServerApp.port_retries=0"
    )
    guard = (
        '[ -n "${JUPYTER_TOKEN-unset}" ] || '
        '{ echo "Error: JUPYTER_TOKEN is empty: set it, or unset it to get one made" >&2; '
        "exit 64; }; "
    )
    origin = f"{packages.file}: {'jupyterlab' if lab else 'notebook'}"
    return Found("notebook", line, ["bash", "-c", f"{guard}exec {line}"], origin)


def _importing(seen: Seen, package: str) -> Source | None:
    """The first script that imports a package, which has to be among the app's."""
    if not seen.packages.has(package):
        return None
    # A file of a package that imports its neighbours by their place cannot be a script.
    scripts = (
        each
        for each in seen.sources
        if not each.name.endswith("__init__.py") and not each.code.is_relative
    )
    return next((each for each in scripts if each.code.imports(package)), None)


def _path(seen: Seen, source: Source) -> str:
    """What finds the app's own modules: these programs look beside the script alone."""
    return f"env PYTHONPATH={source.root or '.'} " if source.needs_root(seen.app) else ""

"""What starts when nobody says so: from the packages the app declares and from its files."""

from __future__ import annotations

from cnbkit.app import App
from cnbkit_start.declared import Declared
from cnbkit_start.frameworks.seen import Seen
from cnbkit_start.process import Found

__all__ = ["notebook", "train", "web", "worker"]


def web(app: App, packages: Declared, function: str = "") -> Found | None:
    """The process that answers requests; None if nothing tells what it could be.

    Args:
        app: the app.
        packages: its packages.
        function: the name of the function to serve, of those that main.py has.

    Raises:
        UserFault: it is known, but its server or framework is not among the packages; or there are
            several.
    """
    from cnbkit_start.frameworks import dashboards, models, scripts, servers
    from cnbkit_start.frameworks.by_package import agents, django, own_servers
    from cnbkit_start.frameworks.functions import functions

    seen = Seen(app, packages, function=function)
    if app.has("README.md"):  # that of a Space says what its platform installs
        from cnbkit_start.frameworks.spaces import space

        space(seen)
    for framework in (
        *(scripts.declared_script, functions, *django(packages)),
        *(dashboards.streamlit, dashboards.chainlit, dashboards.gradio),
        *(models.bentofile, servers.asgi, dashboards.dash, servers.wsgi),
        *own_servers(packages, "sanic", "bottle", "cherrypy", "robyn"),
        *(dashboards.panel, dashboards.shiny, dashboards.solara, dashboards.marimo),
        *(models.mlflow, models.bentoml, models.ray),
        *agents(packages),
        *(dashboards.voila, scripts.greeting, scripts.script),
        *own_servers(packages, "aiohttp"),
    ):
        found = framework(seen)
        if found is not None:
            return found
    from cnbkit_start.frameworks.deeper import only_app

    return only_app(seen) or scripts.script(seen, greets=True)


def train(app: App) -> Found | None:
    """The process that trains, if there is a train.py."""
    name = "train.py"
    if not app.has(name):
        return None
    return Found("train", f"python3 {name}", ["python3", name], name)


def notebook(packages: Declared) -> Found | None:
    """Jupyter, if it is among the packages."""
    if not packages.has("jupyterlab", "jupyter", "notebook"):
        return None
    from cnbkit_start.frameworks.dashboards import jupyter

    return jupyter(packages)


def worker(app: App, packages: Declared, web: Found | None) -> Found | None:
    """What works off a queue's tasks, if Celery is among the packages; else a bot beside `web`."""
    if packages.has("celery"):
        from cnbkit_start.frameworks.workers import celery

        return celery(Seen(app, packages))
    if web is None or not app.has("bot.py"):
        return None
    from cnbkit_start.frameworks.workers import bot

    return bot(Seen(app, packages), web)

"""What starts when nobody says so: from the packages the app declares and from its files."""

from __future__ import annotations

from cnbkit.app import App
from cnbkit_start.declared import Declared
from cnbkit_start.frameworks.seen import Seen
from cnbkit_start.process import Found

__all__ = ["notebook", "train", "web"]


def web(app: App, packages: Declared) -> Found | None:
    """The process that answers requests; None if nothing tells what it could be.

    Raises:
        UserFault: it is known, but its server is not among the packages.
    """
    from cnbkit_start.frameworks import dashboards, models, scripts, servers

    seen = Seen(app, packages)
    for framework in (
        scripts.declared_script,
        *(servers.django, dashboards.streamlit, dashboards.chainlit, dashboards.gradio),
        *(servers.asgi, dashboards.dash, servers.wsgi, dashboards.panel, dashboards.shiny),
        *(models.mlflow, models.bentoml, models.ray, dashboards.voila, scripts.script),
    ):
        found = framework(seen)
        if found is not None:
            return found
    return None


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

"""The app that is not where apps usually begin: the only one in all folders."""

from __future__ import annotations

from cnbkit import UserFault
from cnbkit_start.frameworks import dashboards, models, servers
from cnbkit_start.frameworks.by_package import own_servers
from cnbkit_start.frameworks.seen import Seen
from cnbkit_start.process import Found
from cnbkit_start.source import every_source

__all__ = ["only_app"]

_TOLD = 4


def only_app(seen: Seen) -> Found | None:
    """What starts the only app of the known frameworks; None if there is none.

    Raises:
        UserFault: there are several, or its server is not among the packages.
    """
    frameworks = (
        *(dashboards.streamlit, dashboards.chainlit, dashboards.gradio),
        *(models.bentoml, models.ray, servers.asgi),
        *(dashboards.dash, servers.wsgi, *own_servers(seen.packages, "sanic", "bottle")),
        *(dashboards.panel, dashboards.shiny, dashboards.solara, dashboards.marimo),
    )
    found: list[tuple[str, Found | UserFault]] = []
    for source in every_source(seen.app):
        alone = Seen(seen.app, seen.packages, sources=[source])
        for framework in frameworks:
            try:
                one: Found | UserFault | None = framework(alone)
            except UserFault as fault:
                one = fault
            if one is not None:
                found.append((source.name, one))
                break
    # A page of Streamlit belongs to the script beside its folder.
    found = [each for each in found if "pages" not in each[0].split("/")[:-1]] or found
    if len(found) > 1:
        first = next((each for _, each in found if isinstance(each, Found)), None)
        names = [name for name, _ in found]
        more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
        line = first.text if first else "<command>"
        raise UserFault(
            f"{len(names)} files hold an app, and nothing says which one to start: "
            f"{', '.join(names[:_TOLD])}{more}",
            where=names[0],
            remedy=f"say which in a Procfile, for example: web: {line}",
        )
    if not found:
        return None
    [(_, only)] = found
    if isinstance(only, UserFault):
        raise only
    return only

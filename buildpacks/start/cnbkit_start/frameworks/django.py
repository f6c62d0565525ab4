"""Django: its project is a folder, which manage.py or the project's own files name."""

from __future__ import annotations

from cnbkit_start.frameworks.seen import Seen, process
from cnbkit_start.frameworks.servers import ASGI_SERVERS, WSGI_SERVERS, command, missing
from cnbkit_start.process import Found
from cnbkit_start.source import folders

__all__ = ["django"]

_SETTINGS = "DJANGO_SETTINGS_MODULE"
_KINDS = (("wsgi", WSGI_SERVERS), ("asgi", ASGI_SERVERS))


def django(seen: Seen) -> Found | None:
    """A Django project, in the app's root or in the one folder that has a manage.py."""
    if not seen.packages.has("django"):
        return None
    place = _place(seen)
    if place is None:
        return None
    above = f"{place}/" if place else ""
    project = _of_manage(seen, above) or _of_files(seen, above)
    if not project:
        return None
    folder = above + project.replace(".", "/")
    there = [kind for kind, _ in _KINDS if seen.app.has(f"{folder}/{kind}.py")]
    for kind, servers in _KINDS:
        server = next((name for name in servers if seen.packages.has(name)), "")
        if server and kind in there:
            target = f"{project}.{kind}:application"
            line = command(server, target, "", is_asgi=kind == "asgi")
            found = process(line, f"{folder}/{kind}.py")
            found.working_dir = place or None
            return found
    if there:
        raise missing(seen.packages, "gunicorn", "Django", f"{folder}/{there[0]}.py")
    return None


def _place(seen: Seen) -> str | None:
    """The folder that its authors work in; None if there is no telling."""
    if seen.app.has("manage.py"):
        return ""
    found = [name for name in folders(seen.app.root) if seen.app.has(f"{name}/manage.py")]
    return found[0] if len(found) == 1 else None


def _of_manage(seen: Seen, above: str) -> str:
    """The project whose settings manage.py names; empty if it does not say so in one word."""
    text = seen.app.bytes(f"{above}manage.py").decode(errors="replace").replace("'", '"')
    # `"DJANGO_SETTINGS_MODULE", "shop.settings"`
    _, name, after = text.partition(f'"{_SETTINGS}"')
    parts = after.split('"', 2)
    settings = parts[1] if name and len(parts) > 2 and not parts[0].strip(" ,\n\t") else ""
    project = settings.rpartition(".settings")[0].partition(".settings")[0]
    return project if all(each.isidentifier() for each in project.split(".")) else ""


def _of_files(seen: Seen, above: str) -> str:
    """The only package with the file that a server imports."""
    found = [
        name
        for name in folders(f"{seen.app.root}/{above}")
        if any(
            seen.app.has(f"{above}{name}/{kind}.py")
            and f"get_{kind}_application".encode() in seen.app.bytes(f"{above}{name}/{kind}.py")
            for kind, _ in _KINDS
        )
    ]
    return found[0] if len(found) == 1 else ""

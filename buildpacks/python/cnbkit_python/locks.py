"""Which Pythons a lock was made for, by its own words."""

from __future__ import annotations

from cnbkit import BuildContext
from cnbkit_python.constraint import of_poetry
from cnbkit_python.pyproject import Pyproject, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["of_lock"]


def of_lock(ctx: BuildContext, name: str, pyproject: Pyproject) -> str:
    """The Pythons of a lock, as a range; empty if it does not say, or is no such lock.

    A lock that cannot be read is for the buildpack that installs it to report.

    Args:
        ctx: the build.
        name: of the lock, relative to the app's root.
        pyproject: the project it was made of.
    """
    base = name.rpartition("/")[2]
    if base.startswith("pylock.") and base.endswith(".toml"):
        read: Callable[[str], str] | None = _of_pylock
    elif base == "uv.lock":
        return _of_uv(ctx, name, pyproject)
    else:
        read = _READERS.get(base)
    return read(ctx.app.text(name)) if read else ""


def _of_pylock(text: str) -> str:
    return _text(_head(text).get("requires-python"))


def _of_uv(ctx: BuildContext, name: str, pyproject: Pyproject) -> str:
    wanted = _text(_head(ctx.app.text(name)).get("requires-python"))
    if not wanted.startswith(">=") or "," in wanted or "requires-python" in pyproject.project:
        return wanted
    if _member_says(ctx, ctx.app.text(name)):
        return wanted
    # No project says which Python: uv wrote down the one it ran on, and with a later one it would
    # make another lock.
    lowest = ".".join(wanted.removeprefix(">=").strip().split(".")[:2])
    return f"=={lowest}.*"


def _member_says(ctx: BuildContext, text: str) -> bool:
    """Whether a member of the workspace has a requires-python."""
    for line in text.splitlines():
        kind, _, rest = line.partition(' = "')
        if kind in ("source = { editable", "source = { virtual"):
            member = f"{rest.partition(chr(34))[0]}/pyproject.toml"
            if ctx.app.has(member) and "requires-python" in ctx.app.text(member):
                return True
    return False


def _of_poetry(text: str) -> str:
    found = _text(_section(text, "metadata").get("python-versions"))
    return of_poetry(found) if found else ""


def _of_pdm(text: str) -> str:
    targets = table(_parsed(text), "metadata").get("targets")
    ranges = [
        _text(each.get("requires_python"))
        for each in (targets if isinstance(targets, list) else [])
        if isinstance(each, dict)
    ]
    return " || ".join(dict.fromkeys(ranges)) if all(ranges) else ""


def _of_pipenv(text: str) -> str:
    import json

    try:
        requires = table(json.loads(text), "_meta", "requires")
    except (AttributeError, ValueError, RecursionError):
        return ""
    return _text(requires.get("python_full_version") or requires.get("python_version"))


_READERS = {"poetry.lock": _of_poetry, "pdm.lock": _of_pdm, "Pipfile.lock": _of_pipenv}


def _head(text: str) -> dict[str, Any]:
    """The keys before a document's first table, without parsing the thousands of lines below."""
    above = text.partition("\n[")[0]
    return _parsed(above) or _parsed(text)


def _section(text: str, name: str) -> dict[str, Any]:
    """A table, likewise."""
    _, found, rest = text.partition(f"\n[{name}]\n")
    below = table(_parsed(f"[{name}]\n" + rest.partition("\n[")[0]), name) if found else {}
    return below or table(_parsed(text), name)


def _parsed(text: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""

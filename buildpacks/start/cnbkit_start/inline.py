"""What a script says of its packages at its top (PEP 723), which `uv run` and pipx read."""

from __future__ import annotations

import tomllib

from cnbkit.app import App
from cnbkit_start.requirements import text_of

__all__ = ["listed_inline"]

_BEGIN, _END = "# /// script", "# ///"


def listed_inline(app: App, file: str) -> list[str]:
    """The requirements; none if there are none, or what is there is not TOML.

    Args:
        app: the app.
        file: the script, relative to the app's root.
    """
    lines = [line.rstrip() for line in text_of(app, file).splitlines()]
    if _BEGIN not in lines:
        return []
    block = lines[lines.index(_BEGIN) + 1 :]
    if _END not in block:
        return []
    text = "\n".join(
        line.removeprefix("#").removeprefix(" ") for line in block[: block.index(_END)]
    )
    try:
        found = tomllib.loads(text).get("dependencies", [])
    except (ValueError, RecursionError):  # huge numbers, deep nesting
        return []
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []

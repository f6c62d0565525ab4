"""analyzed.toml: what the lifecycle writes down of the images for its own phases (platform.md)."""

from __future__ import annotations

from cnbkit.errors import InvalidDocument
from cnbkit.spec.toml import decode

__all__ = ["run_image"]


def run_image(text: bytes) -> str:
    """The run image's name as the platform gave it, else what the lifecycle says; or empty."""
    try:
        found = decode(text, name="analyzed.toml").get("run-image")
    except InvalidDocument:
        return ""
    table = found if isinstance(found, dict) else {}
    name = str(table.get("image") or table.get("reference") or "")
    host, _, rest = name.partition("/")
    # `cnbkit build` serves its own store by that name: it means nothing elsewhere.
    return rest if host.startswith("store.localhost:") else name

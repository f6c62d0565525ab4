"""What uv reads of the app by itself: uv.toml, or `[tool.uv]` of pyproject.toml."""

from __future__ import annotations

from cnbkit import BuildContext, UserFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["uv_settings", "uv_settings_digest"]


def uv_settings(ctx: BuildContext) -> dict[str, Any]:
    """The settings; none where there are none or the file is faulty, which uv says itself."""
    try:
        if ctx.app.has("uv.toml"):
            return ctx.app.toml("uv.toml")
        # Most have none, and a build that changes nothing need not parse the file to know.
        if ctx.app.has("pyproject.toml") and "tool.uv" in ctx.app.text("pyproject.toml"):
            found = ctx.app.toml("pyproject.toml").get("tool", {}).get("uv", {})
            return found if isinstance(found, dict) else {}
    except (UserFault, AttributeError):
        pass
    return {}


def uv_settings_digest(ctx: BuildContext) -> list[str]:
    """For the key: another setting may choose or build another package."""
    found = uv_settings(ctx)
    if not found:
        return []
    import hashlib

    text = repr(sorted(found.items())).encode(errors="surrogateescape")
    return [f"settings of uv in the app #{hashlib.sha256(text).hexdigest()[:24]}"]

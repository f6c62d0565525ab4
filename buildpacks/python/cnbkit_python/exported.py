"""A lock that was exported of another one, and says nothing that this one does not."""

from __future__ import annotations

import tomllib

from cnbkit import BuildContext, UserFault

__all__ = ["is_exported"]


def is_exported(ctx: BuildContext, export: str, lock: str) -> bool:
    """Whether uv wrote a pylock.toml of what its own lock holds.

    Args:
        ctx: the build.
        export: the pylock.toml.
        lock: the uv.lock. It has each package of the other one in the same version, or one of
            the two is older, and nobody here knows which one is meant.
    """
    try:
        exported = tomllib.loads(ctx.app.text(export))
        if exported.get("created-by") != "uv":
            return False
        return _packages(exported, "packages") <= _packages(
            tomllib.loads(ctx.app.text(lock)), "package"
        )
    # Whoever reads the one that is chosen says what is wrong with it.
    except (UserFault, ValueError, RecursionError, AttributeError, TypeError):
        return False


def _packages(document: dict[str, list[dict[str, str]]], key: str) -> set[tuple[str, str]]:
    """Name and version; what has none is a folder of the app, or a repository."""
    found = [each for each in document.get(key, []) if "name" in each and "version" in each]
    return {(each["name"], each["version"]) for each in found}

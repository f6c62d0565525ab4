"""The `poetry` buildpack: poetry.lock → pylock.toml, checked against pyproject.toml."""

from __future__ import annotations

from cnbkit import BuildContext, Triggers
from cnbkit_lock_front_end import FrontEnd, Selection

__all__ = ["Poetry"]


class Poetry(FrontEnd):
    """Turns poetry.lock into the lock that the pip buildpack installs."""

    triggers = Triggers("poetry.lock")
    file = "poetry.lock"
    project = "pyproject.toml"
    relock = "poetry lock"

    def export(self, ctx: BuildContext, selection: Selection, path: str) -> str:
        """Through Poetry's own models, checked against pyproject.toml."""
        # Imported here: a build that changes nothing does without Poetry.
        from cnbkit_poetry.export import export

        return export(ctx, selection, path)

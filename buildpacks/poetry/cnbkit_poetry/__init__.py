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

    def facts(self, ctx: BuildContext) -> list[str]:
        """Whether the project has code: without it is not installed itself."""
        from cnbkit_lock_front_end.own_code import absent, written_name

        text = ctx.app.bytes(self.project).decode("utf-8", "replace")
        missing = absent(ctx.app, written_name(text))
        return [f"no {missing}"] if missing else []

    def export(self, ctx: BuildContext, selection: Selection, path: str) -> str:
        """Through Poetry's own models, checked against pyproject.toml."""
        # Imported here: a build that changes nothing does without Poetry.
        from cnbkit_poetry.export import export

        return export(ctx, selection, path)

"""The `pipenv` buildpack: Pipfile.lock → pylock.toml, checked against Pipfile."""

from __future__ import annotations

from cnbkit import BuildContext, Triggers, UserFault
from cnbkit_lock_front_end import FrontEnd, Selection

__all__ = ["Pipenv"]


class Pipenv(FrontEnd):
    """Turns Pipfile.lock into the lock that the pip buildpack installs."""

    # A Pipfile without its lock is worth a word, too.
    triggers = Triggers("Pipfile.lock", "Pipfile")
    file = "Pipfile.lock"
    project = "Pipfile"
    relock = "pipenv lock"

    def export(self, ctx: BuildContext, selection: Selection, path: str) -> str:
        """Checked against Pipfile as Pipenv does it; its categories are groups."""
        if selection.extras:
            raise UserFault(
                f"a Pipfile has no extras, so none {', '.join(selection.extras)}",
                where="BP_PYTHON_EXTRAS",
                remedy="unset BP_PYTHON_EXTRAS; categories of a Pipfile are groups",
            )
        # Imported here: a build that changes nothing does without it.
        from cnbkit_pipenv.export import export

        return export(ctx, selection, path)

"""The `pdm` buildpack: pdm.lock → pylock.toml, checked against pyproject.toml."""

from __future__ import annotations

from cnbkit import BuildContext, Triggers
from cnbkit_lock_front_end import FrontEnd, Selection

__all__ = ["Pdm"]


class Pdm(FrontEnd):
    """Turns pdm.lock into the lock that the pip buildpack installs."""

    triggers = Triggers("pdm.lock")
    file = "pdm.lock"
    project = "pyproject.toml"
    relock = "pdm lock"

    def inputs(self, ctx: BuildContext) -> list[str]:
        """Lock and project, those of members of a workspace and local packages as well."""
        names = super().inputs(ctx)
        for line in ctx.app.text(self.file).splitlines():
            # As PDM writes them: `path = "./lib"`.
            if line.startswith('path = "'):
                folder = line.split('"')[1].removeprefix("./")
                names.append(f"{folder}/{self.project}")
        return names

    def export(self, ctx: BuildContext, selection: Selection, path: str) -> str:
        """Through PDM's own models, checked against pyproject.toml."""
        # Imported here: a build that changes nothing does without PDM.
        from cnbkit_pdm.export import export

        return export(ctx, selection, path)

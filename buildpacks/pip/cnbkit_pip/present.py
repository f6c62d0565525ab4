"""Whether later buildpacks of this build want the packages, and not only the image."""

from __future__ import annotations

import os

from cnbkit import BuildContext, Layer

__all__ = ["LAYERS", "Present"]

LAYERS = ("wheels-", "accelerator-wheels", "light-wheels-", "local-wheels")
"""What names of layers with packages begin with; of earlier versions, all with the first."""


class Present:
    """How the packages' layers are kept.

    Attributes:
        wanted: whether their files have to be there in every build.
    """

    def __init__(self, *, wanted: bool) -> None:
        self.wanted = wanted

    @classmethod
    def of(cls, ctx: BuildContext) -> Present:
        """What the build plan asks for.

        Read as text: every build does, and a TOML parser takes longer than an unchanged one.
        """
        path = ctx.env.get("CNB_BP_PLAN_PATH", "")
        text = ""
        if path:
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read()
        made = cls(wanted="build = true" in text)
        if made.wanted:
            _complete(ctx)
        return made

    def kind(self, layer: Layer) -> Layer:
        """The layer as it has to be: from the cache, if its files are wanted."""
        return Layer.cached(layer.name, launch=True) if self.wanted else layer

    @property
    def from_where(self) -> str:
        """Where unchanged layers come from, for the log."""
        return "from the cache" if self.wanted else "as in the previous image"


def _complete(ctx: BuildContext) -> None:
    """Have everything made again if a part of it is in the previous image alone."""
    own = os.path.dirname(ctx.scratch)
    names = [name for name in ctx.restored_layers() if name.startswith(LAYERS)]
    if os.path.isdir(f"{own}/site") and not all(os.path.isdir(f"{own}/{each}") for each in names):
        import shutil

        shutil.rmtree(f"{own}/site")

"""The image extension `cuda-run`: another run image for apps that are for NVIDIA's GPUs.

NVIDIA's container runtime reads the image's configuration before anything of the image runs. An
image has that from its run image alone, so no buildpack can add to it; an extension can exchange
the run image, on platforms that have extensions.
"""

from __future__ import annotations

from cnbkit import (
    Buildpack,
    Config,
    DetectContext,
    DetectResult,
    GenerateContext,
    GenerateResult,
    Option,
    Triggers,
)
from cnbkit.hardware import SETTING, TRIGGERS, Words

__all__ = ["WORDS", "CudaRun"]

WORDS = ("cuda", "aws", "gpu", "nvidia")
"""Those of the buildpack `cuda`."""


class Options(Config):
    """What whoever makes the builder sets."""

    image = Option.text(
        "BP_CUDA_RUN_IMAGE",
        check=lambda name: _one_word(name),
        help="The run image for NVIDIA's GPUs, which `cnbkit prepare --publish-run` makes",
    )


class CudaRun(Buildpack):
    """Switches the run image where the app is for NVIDIA's GPUs and the builder names one."""

    triggers = Triggers(*TRIGGERS, settings=(SETTING,))
    config = Options

    def detect(self, ctx: DetectContext) -> DetectResult:
        """Join for the words of these GPUs alone."""
        words = Words.read(ctx)
        asked = words.named(WORDS)
        if not asked:
            return ctx.skip("nothing names NVIDIA GPUs")
        if not Options.read(ctx.settings).image:
            return ctx.skip("BP_CUDA_RUN_IMAGE names no run image for them")
        return ctx.join(f"{asked[0].text} in {words.source}")

    def generate(self, ctx: GenerateContext) -> GenerateResult:
        """Name the image; nothing is added to it, so nothing needs root."""
        image = Options.read(ctx.settings).image
        ctx.log.info(f"Run image {image}, which asks NVIDIA's container runtime for GPUs")
        return GenerateResult(run=f"FROM {image}\n")


def _one_word(name: str) -> str:
    if name.split() != [name]:
        raise ValueError("which is not a name of an image")
    return name

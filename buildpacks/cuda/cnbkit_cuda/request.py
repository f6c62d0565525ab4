"""What CUDA needs of who installs Python packages."""

from __future__ import annotations

from cnbkit import PackageRequest
from cnbkit.hardware import Accelerator
from cnbkit.package_request import RequestFault
from cnbkit_cuda.versions import (
    ADDITIONS,
    BUILDS,
    DEFAULT,
    EXTRAS,
    PREFERENCES,
    PUBLISHED,
    VERSIONS,
)
from cnbkit_frameworks import CUDA_EVIDENCE, REFUSALS, SERVING, torch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit.hardware import Words

__all__ = ["CUDA", "request_for"]

CUDA = Accelerator(
    "cuda",
    "NVIDIA GPUs",
    aliases={
        "aws": "the GPUs of AWS are NVIDIA's; `neuron` is Inferentia and Trainium",
        "gpu": "NVIDIA's, unless it says `rocm` or `xpu`",
        "nvidia": "NVIDIA GPUs",
    },
    versions=VERSIONS,
)


def request_for(words: Words, architecture: str) -> PackageRequest:
    """The request of an app that names CUDA.

    Args:
        words: the app's.
        architecture: of the image.
    """
    version = CUDA.version(words)
    return PackageRequest(
        subject=CUDA.subject(words),
        where=words.where(CUDA.asked(words)[0]),
        accelerator=CUDA.name,
        runtime=version,
        frameworks=[torch(builds=BUILDS, published=PUBLISHED, default=DEFAULT, compatible=True)],
        extras=[*EXTRAS],
        additions=[*ADDITIONS],
        preferences=[*PREFERENCES],
        refusals=REFUSALS,
        evidence=CUDA_EVIDENCE,
        serving=SERVING,
        virtual_packages={"__cuda": version or DEFAULT},
        faults=[RequestFault(**fault) for fault in CUDA.faults(words, architecture)],
    )

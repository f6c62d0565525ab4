"""What the two kinds of TPU need of who installs Python packages."""

from __future__ import annotations

from cnbkit import PackageRequest
from cnbkit.hardware import Accelerator
from cnbkit.package_request import Ending, Extra, RequestFault
from cnbkit_frameworks import CPU_TORCH, CUDA_EVIDENCE, REFUSALS, SERVING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit.hardware import Words

__all__ = ["CLOUD", "CORAL", "request_for"]

CORAL = Accelerator(
    "coral",
    "Coral Edge TPU",
    aliases={"edgetpu": "the Edge TPU is Coral's", "edge-tpu": "the Edge TPU is Coral's"},
)
CLOUD = Accelerator(
    "tpu",
    "Google Cloud TPU",
    aliases={"gcp-tpu": "Google Cloud's TPU", "cloud-tpu": "Google Cloud's TPU"},
    architectures=("amd64",),
)
_ENDINGS = [
    Ending(package="tflite-runtime", python="3.11", instead="ai-edge-litert"),
    Ending(package="pycoral", python="3.9", instead="ai-edge-litert"),
]
_EXTRAS = [
    Extra(package="jax", extras=["tpu"], unless=["libtpu"]),
    Extra(package="torch-xla", extras=["tpu"], unless=["libtpu"]),
]


def request_for(kind: Accelerator, words: Words, architecture: str) -> PackageRequest:
    """The request of an app that names a TPU.

    Args:
        kind: which of the two.
        words: the app's.
        architecture: of the image.
    """
    coral = kind is CORAL
    expects = ["ai-edge-litert", "tflite-runtime", "tensorflow"]
    return PackageRequest(
        subject=kind.name,
        where=words.where(kind.asked(words)[0]),
        accelerator=kind.name,
        # The Edge TPU does not keep the rest of the model from the processor's cores.
        beside=["cpu"] if coral else [],
        frameworks=[CPU_TORCH],
        extras=[] if coral else _EXTRAS,
        endings=_ENDINGS if coral else [],
        expects=[expects if coral else ["jax", "torch-xla", "tensorflow-tpu"]],
        refusals=REFUSALS,
        evidence=CUDA_EVIDENCE,
        serving=SERVING,
        faults=[RequestFault(**fault) for fault in kind.faults(words, architecture)],
    )

"""Facts on machine-learning frameworks that every accelerator's request needs.

PyTorch is published once for each build of an accelerator's software, at an index of its own below
one site; and a few names on the public index are not what they seem.
"""

from __future__ import annotations

from cnbkit.package_request import Evidence, Framework, Published, Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CPU_TORCH", "CUDA_EVIDENCE", "REFUSALS", "SERVING", "torch"]

_SITE = "https://download.pytorch.org/whl"
_TORCH = ["torch", "torchvision", "torchaudio"]
# Built for an accelerator as well, but not published on each index.
_BESIDE = ["torchao", "xformers", "pytorch-triton", "pytorch-triton-rocm", "pytorch-triton-xpu"]

# CUDA's own libraries, which frameworks bring along for themselves.
_LIBRARIES = (
    "cublas|cuda-cccl|cuda-crt|cuda-cupti|cuda-nvcc|cuda-nvrtc|cuda-runtime|cudnn|cufft|cufile|"
    "curand|cusolver|cusparse|cusparselt|nccl|nvjitlink|nvshmem|nvtx|nvvm"
)
SERVING = [
    rf"nvidia-(?:{_LIBRARIES})(?:-cu\d+)?",
    *(r"triton", r"pytorch-triton(?:-rocm|-xpu)?", r"cuda-(?:toolkit|bindings|pathfinder)"),
]
"""Packages that come with a build of a framework and go with it."""

# Since CUDA 13 most have no suffix.
_UNSUFFIXED = (
    "cublas|cuda-cccl|cuda-cupti|cuda-nvrtc|cuda-runtime|cufft|cufile|curand|cusolver|cusparse|"
    "nvjitlink|nvtx|cuda-nvcc|nvvm|cuda-crt"
)
CUDA_EVIDENCE = [
    Evidence(pattern=r"nvidia-cuda-runtime(?:-cu\d+)?"),
    Evidence(pattern=r"cuda-toolkit"),
    Evidence(pattern=r"nvidia-cuda-nvrtc(?:-cu\d+)?"),
    Evidence(pattern=rf"nvidia-(?:{_UNSUFFIXED})", version="13"),
    Evidence(pattern=rf"nvidia-(?:{_LIBRARIES})-cu(\d+)"),
]
"""Which CUDA the packages are for, as the names and versions of NVIDIA's tell."""

REFUSALS = [
    Refusal(
        package="pycoral",
        reason="on the public index it is a tool for coral reefs; for the Edge TPU take "
        "ai-edge-litert (or tflite-runtime) with the delegate libedgetpu.so.1",
    ),
    Refusal(
        package="tensorflow-aarch64",
        reason="a third party's, without updates since 2022; tensorflow itself has wheels for "
        "arm64",
    ),
    Refusal(
        package="torch-neuronx",
        reason="on the public index it is a placeholder; write neuron in hardware.txt to get the "
        "real one",
    ),
]
"""Packages that are not what their names say."""


def torch(
    *,
    builds: Sequence[str] = (),
    only: str = "",
    published: Sequence[tuple[str, str]] = (),
    default: str = "",
    compatible: bool = False,
) -> Framework:
    """PyTorch's packages; see `Framework`.

    Args:
        builds: names of its indexes, the newest first.
        only: the one to take.
        published: version of torch since when → what its public wheels are for; newest first.
        default: the runtime if nothing says which.
        compatible: leave what is for a fitting runtime already.
    """
    return Framework(
        site=_SITE,
        packages=_TORCH,
        beside=_BESIDE,
        builds=[*builds],
        only=only,
        published=[
            Published(package="torch", since=since, runtime=runtime) for since, runtime in published
        ],
        default=default,
        compatible=compatible,
    )


CPU_TORCH = torch(only="cpu")
"""PyTorch without an accelerator."""

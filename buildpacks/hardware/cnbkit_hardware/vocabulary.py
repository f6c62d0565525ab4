"""Hardware that is only a choice of wheels or of a processor, and words that cannot be served."""

from __future__ import annotations

from cnbkit.hardware import Accelerator
from cnbkit.package_request import IndexBinding, Preference
from cnbkit_frameworks import CPU_TORCH, torch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["ACCELERATORS", "ARCHITECTURES", "DEVICES", "PROCESSORS", "REFUSED", "REQUESTS"]

_AMD = (*("6.0", "6.1", "6.2", "6.2.4", "6.3", "6.4", "7.0", "7.1", "7.2"), *("6", "7"))
_ROCM = ("7.2", "7.1", "7.0", "6.4", "6.3", "6.2.4", "6.2", "6.1", "6.0")
_OWN = "AWS's own chips"

ACCELERATORS = (
    Accelerator("cpu", "no accelerator"),
    Accelerator(
        "rocm",
        "AMD GPUs",
        aliases={"amd-gpu": "AMD GPUs"},
        versions=_AMD,
        architectures=("amd64",),
    ),
    Accelerator("xpu", "Intel GPUs", aliases={"intel-gpu": "Intel GPUs"}, architectures=("amd64",)),
    Accelerator(
        "neuron",
        "AWS Inferentia and Trainium",
        aliases={"inferentia": _OWN, "trainium": _OWN},
        architectures=("amd64",),
    ),
)

_NEURON_INDEX = "https://pip.repos.neuron.amazonaws.com"
_NEURON = [
    *("torch-neuronx", "neuronx-cc", "libneuronxla", "neuronx-distributed"),
    *("neuronx-distributed-training", "torch-neuron", "neuron-cc", "transformers-neuronx"),
    "jax-neuronx",
]
_LEANER = [
    Preference(package="xgboost", better="xgboost-cpu"),
    Preference(package="onnxruntime-gpu", better="onnxruntime"),
    Preference(package="opencv-python", better="opencv-python-headless"),
    Preference(package="opencv-contrib-python", better="opencv-contrib-python-headless"),
    Preference(package="tensorflow", better="tensorflow-cpu"),
]

REQUESTS: dict[str, dict[str, Any]] = {
    "cpu": {"frameworks": [CPU_TORCH], "preferences": _LEANER},
    "rocm": {"frameworks": [torch(builds=[f"rocm{version}" for version in _ROCM])]},
    "xpu": {"frameworks": [torch(builds=["xpu"])]},
    "neuron": {
        "frameworks": [CPU_TORCH],
        "indexes": [IndexBinding(url=_NEURON_INDEX, packages=_NEURON)],
        "expects": [["torch-neuronx", "jax-neuronx", "torch-neuron", "neuronx-cc"]],
    },
}
"""What each asks for besides what all do: fields of a `PackageRequest`."""

DEVICES = {"rocm": "/dev/kfd and /dev/dri", "neuron": "/dev/neuron0"}
"""What the container has to be given of its host."""

ARCHITECTURES = ("amd64", "arm64")

_APPLE = "containers on Apple silicon are linux/arm64, and never see its GPU"
PROCESSORS = {
    **dict.fromkeys(("m1", "m2", "m3", "m4", "apple-silicon"), ("arm64", _APPLE)),
    "graviton": ("arm64", "AWS's processors"),
    "aarch64": ("arm64", "the same by another name"),
    "x86_64": ("amd64", "the same by another name"),
    "x86-64": ("amd64", "the same by another name"),
}
"""Word → the architecture it stands for, and why."""

_METAL = (
    "Metal is macOS's, and containers run Linux; write `m1`, which is linux/arm64 on its "
    "processor cores"
)
REFUSED = {
    "jetson": "Jetson boards need NVIDIA's own JetPack images and wheels, which no general run "
    "image can stand in for; write `cuda:12.6 arm64` and name NVIDIA's index with "
    "BP_PYTORCH_INDEX, upon a run image made from JetPack's",
    "mps": _METAL,
    "metal": _METAL,
    "none": "write `cpu`",
}
"""Words people write that cannot be served, and what to do about it."""

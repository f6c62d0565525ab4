"""What is known of CUDA: the data that a new version changes."""

from __future__ import annotations

from cnbkit.package_request import Addition, Extra, Preference

__all__ = [
    "ADDITIONS",
    "BUILDS",
    "DEFAULT",
    "DRIVERS",
    "EXTRAS",
    "LOADER",
    "PREFERENCES",
    "PUBLISHED",
    "TURING",
    "VERSIONS",
    "XLA",
]

VERSIONS = (
    *("11.8", "12.1", "12.4", "12.6", "12.8", "12.9", "13.0", "13.2"),
    *("11", "12", "13"),
)
"""What may stand behind `cuda:`."""

BUILDS = ("cu132", "cu130", "cu129", "cu128", "cu126", "cu124", "cu121", "cu118")
"""PyTorch's indexes, the newest first."""

PUBLISHED = (
    *(("2.15", "13.2"), ("2.11", "13.0"), ("2.8", "12.8"), ("2.7", "12.6"), ("2.6", "12.4")),
    *(("2.1", "12.1"), ("0", "11.8")),
)
"""What torch's wheels on the public index are for, from a version on."""

DEFAULT = "12.8"

DRIVERS = (("13", "580"), ("12", "525.60.13"), ("11.8", "450.80.02"))
"""The oldest driver: minor versions are compatible with the driver of their major one."""

TURING = (("torch", "2.11", "12.8"),)
"""From this version on, a package's wheels for this CUDA and newer ones leave out the GPUs before
Turing (compute capability 7.5), Volta among them, though CUDA itself still has them."""

EXTRAS = (
    Extra(package="jax", extras=["cuda12"], unless=["jax-cuda12-plugin"], runtime="12"),
    Extra(package="jax", extras=["cuda13"], unless=["jax-cuda13-plugin"], runtime="13"),
    Extra(package="tensorflow", extras=["and-cuda"], unless=["nvidia-cudnn-cu12"], runtime="12"),
    # Which CUDA it is for says its own metadata.
    Extra(
        package="onnxruntime-gpu",
        extras=["cuda", "cudnn"],
        unless=["nvidia-cudnn-cu12", "nvidia-cudnn-cu13"],
    ),
)

ADDITIONS = (
    Addition(package="ctranslate2", add=["nvidia-cublas-cu12", "nvidia-cudnn-cu12"], runtime="12"),
    Addition(
        package="cupy-cuda12x",
        add=[
            *("nvidia-cuda-runtime-cu12", "nvidia-cuda-nvrtc-cu12", "nvidia-cublas-cu12"),
            *("nvidia-cufft-cu12", "nvidia-curand-cu12", "nvidia-cusolver-cu12"),
            *("nvidia-cusparse-cu12", "nvidia-nvjitlink-cu12"),
        ],
        runtime="12",
    ),
    Addition(
        package="cupy-cuda13x",
        add=[
            *("nvidia-cuda-runtime", "nvidia-cuda-nvrtc", "nvidia-cublas", "nvidia-cufft"),
            *("nvidia-curand", "nvidia-cusolver", "nvidia-cusparse", "nvidia-nvjitlink"),
        ],
        runtime="13",
    ),
)
"""Packages that declare no CUDA, but load it when they are used."""

LOADER = ("ctranslate2", "onnxruntime-gpu", "cupy-cuda11x", "cupy-cuda12x", "cupy-cuda13x")
"""torch, tensorflow and jax find their libraries themselves; these ask the loader."""

XLA = ("jax", "tensorflow")
"""Packages that look for XLA's data."""

PREFERENCES = (
    Preference(package="onnxruntime", better="onnxruntime-gpu", unused=True),
    Preference(package="faiss-cpu", better="faiss-gpu-cu12", unused=True),
)

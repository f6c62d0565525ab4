"""Packages of accelerators' stacks: heavy, released together, and of use with a device only."""

from __future__ import annotations

__all__ = ["is_accelerator"]

_PREFIXES = ("nvidia-", "triton", "pytorch-triton", "jax-cuda", "jax-rocm", "libtpu")
_OTHERS = ("cuda-toolkit", "cuda-bindings", "cuda-pathfinder", "cuda-python")


def is_accelerator(name: str) -> bool:
    """Whether a package is part of such a stack: it shares their layer."""
    return name.startswith(_PREFIXES) or name in _OTHERS

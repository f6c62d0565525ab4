"""A hint for who gets an accelerator's packages without having asked for any."""

from __future__ import annotations

from cnbkit_pip.accelerators.stack import is_accelerator
from cnbkit_pip.accelerators.weight import shown
from cnbkit_python_inputs.package import Package

__all__ = ["hints"]

# Bytes to download from which on a hint is worth a line.
_WORTH = 100_000_000


def hints(packages: list[Package]) -> list[str]:
    """A line for who gets an accelerator's packages without having asked for any."""
    found = [each for each in packages if is_accelerator(each.name)]
    size = sum(each.size for each in found)
    nvidia = any(each.name.startswith("nvidia-") for each in found)
    if not nvidia or size < _WORTH:
        return []
    return [
        (
            f"{shown(size)} of this is CUDA: where no GPU is used, `cpu` in hardware.txt "
            "saves it; with one, `cuda` adds a check of its driver"
        )
    ]

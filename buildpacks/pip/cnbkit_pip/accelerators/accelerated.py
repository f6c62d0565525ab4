"""What an image with an accelerator's packages is given besides them, and who could do without."""

from __future__ import annotations

import os

from cnbkit import OpenLayer
from cnbkit_pip.accelerators.hardware import Hardware
from cnbkit_pip.accelerators.nvidia import cuda_of, is_accelerator, library_folders, xla_folder
from cnbkit_pip.accelerators.weight import shown
from cnbkit_python_inputs.package import Package

__all__ = ["add_launch_environment", "hints"]

# Bytes to download from which on a hint is worth a line.
_WORTH = 100_000_000


def add_launch_environment(
    site: OpenLayer,
    lock: OpenLayer,
    hardware: Hardware,
    packages: list[Package],
    directories: list[str],
) -> None:
    """The CUDA version, for the check at start; library and data folders for who needs them.

    Args:
        site: the layer with the virtual environment.
        lock: keeps the version for the labels of builds that change nothing.
        hardware: the choice.
        packages: what is installed.
        directories: site-packages of each layer.
    """
    cuda = cuda_of(packages)[0] if hardware.name == "cuda" else ""
    with open(f"{lock.directory}/cuda", "w", encoding="ascii") as file:
        file.write(cuda)
    if not cuda:
        return
    if site.key is not None:
        site.key = site.key.replace(cuda=cuda)
    launch = site.env.launch
    launch.override("CNBKIT_CUDA", cuda)
    if recent := _without_old_gpus(hardware, packages, cuda):
        launch.override("CNBKIT_CUDA_GPUS", recent)
    names = {each.name for each in packages}
    # NVIDIA's packages share a layer, whose name says so.
    roots = [each for each in directories if "/wheels-accelerator-" in each] or directories
    if names & {*hardware.words("loader")}:
        folders = [f"{root}/{each}" for root in roots for each in library_folders(packages)]
        launch.prepend("LD_LIBRARY_PATH", os.pathsep.join(folders), os.pathsep)
    data = xla_folder(packages)
    if data and names & {*hardware.words("xla")}:
        launch.default("XLA_FLAGS", f"--xla_gpu_cuda_data_dir={roots[0]}/{data}")


def _without_old_gpus(hardware: Hardware, packages: list[Package], cuda: str) -> str:
    """The package whose wheels leave out GPUs before Turing, with its version; empty if none."""
    from packaging.version import InvalidVersion, Version

    versions = {each.name: each.version for each in packages}
    for name, since, oldest in hardware.rules("turing"):
        try:
            if Version(versions[name]) >= Version(since) and Version(cuda) >= Version(oldest):
                return f"{name} {versions[name]}"
        except (KeyError, InvalidVersion):
            continue
    return ""


def hints(packages: list[Package]) -> list[str]:
    """A line for who gets an accelerator's packages without having asked for any."""
    found = [each for each in packages if is_accelerator(each.name)]
    size = sum(each.size for each in found)
    cuda, _ = cuda_of(found)
    if not cuda or size < _WORTH:
        return []
    return [
        (
            f"{shown(size)} of this is CUDA {cuda}: where no GPU is used, `cpu` in hardware.txt "
            "saves it; with one, `cuda` adds a check of its driver"
        )
    ]

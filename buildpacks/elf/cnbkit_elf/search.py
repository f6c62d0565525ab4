"""The loader's rules (ld.so(8)): where a needed library is found."""

from __future__ import annotations

import os
from fnmatch import fnmatch

from cnbkit_elf.facts import ElfFile, Facts

__all__ = ["search"]

# Brought by the driver on the machine that runs the image.
_DRIVERS = ("libcuda.so.*", "libcudadebugger.so.*", "libnvidia-*.so*", "libnvcuvid.so.*",
            "libnvoptix.so.*", "libnrt.so.*")  # fmt: skip
# TensorRT's, which ONNX Runtime for GPUs can do without, and tries only where it is asked for.
_EXTRAS = ("libnvinfer*.so.*", "libnvonnxparser.so.*")

Found = dict[str, list[ElfFile]]


def search(facts: Facts, base: list[str], ignored: list[str]) -> tuple[Found, Found]:
    """Libraries the loader does not find, with the files that need them.

    The first are nowhere in the image. The second are in a layer, but not where the loader looks:
    Python packages load such by path before they need them, as PyTorch does with NVIDIA's.

    Args:
        facts: what is in the layers.
        base: paths of the run image's libraries.
        ignored: names or patterns that may be missing.
    """
    paths = facts.names | {*base}
    on_path = {*facts.loader_path}
    by_itself = {os.path.basename(each) for each in base}
    by_itself |= {os.path.basename(each) for each in paths if os.path.dirname(each) in on_path}
    anywhere = {os.path.basename(each) for each in paths} | {each.soname for each in facts.files}
    nowhere: Found = {}
    elsewhere: Found = {}
    for file in facts.files:
        for name in file.needed:
            if name in by_itself or name in paths:
                continue
            if any(f"{place}/{name}" in paths for place in file.search):
                continue
            if name in anywhere:
                elsewhere.setdefault(name, []).append(file)
            elif not any(fnmatch(name, each) for each in (*_DRIVERS, *_EXTRAS, *ignored)):
                nowhere.setdefault(name, []).append(file)
    return nowhere, elsewhere

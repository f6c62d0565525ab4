"""What the names of NVIDIA's wheels tell: which CUDA they are of, and where their files lie."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypedDict

    class Package(TypedDict):
        """An installed package; `directory` is the site-packages folder it is in."""

        name: str
        version: str
        directory: str


__all__ = ["cuda_of", "library_folders", "majors", "xla_folder"]

# Not of one CUDA version.
_ANY = ("nvidia-ml-py", "nvidia-pyindex", "nvidia-dali", "nvidia-nat")
# Of CUDA 13 these keep a folder of their own, as all of CUDA 12 do.
_APART = ("cudnn", "nccl", "nvshmem")


def majors(packages: Iterable[Package]) -> dict[str, list[Package]]:
    """NVIDIA's packages by the CUDA they are of, like "12"."""
    found: dict[str, list[Package]] = {}
    for each in packages:
        if major := _major(each["name"]):
            found.setdefault(major, []).append(each)
    return dict(sorted(found.items()))


def _major(name: str) -> str:
    if name.startswith(_ANY) or not name.startswith(("nvidia-", "cuda-toolkit")):
        return ""
    _, _, suffix = name.rpartition("-cu")
    if suffix.isdigit() and name.startswith("nvidia-"):
        return suffix
    # Since CUDA 13 most have none.
    return "13" if name == "cuda-toolkit" or _component(name) in _UNSUFFIXED else ""


_UNSUFFIXED = (
    *("cublas", "cuda_cccl", "cuda_cupti", "cuda_nvrtc", "cuda_runtime", "cufft", "cufile"),
    *("curand", "cusolver", "cusparse", "nvjitlink", "nvtx", "cuda_nvcc", "nvvm", "cuda_crt"),
)


def cuda_of(packages: Sequence[Package]) -> tuple[str, str]:
    """The CUDA version that packages bring, "12.8", and which of them says so; empty for none."""
    for start in ("nvidia-cuda-runtime", "cuda-toolkit", "nvidia-cuda-nvrtc"):
        having = [e for e in packages if _is(e["name"], start)]
        if having:
            # The newest of several is what a driver has to be able to do.
            newest = max(having, key=lambda each: [*map(int, _numbers(each["version"]))])
            return ".".join(
                _numbers(newest["version"])[:2]
            ), f"{newest['name']} {newest['version']}"
    found = majors(packages)
    last = max(found, key=int, default="")
    return (last, found[last][0]["name"]) if last else ("", "")


def _is(name: str, start: str) -> bool:
    return name == start or name.startswith(f"{start}-cu")


def _numbers(version: str) -> list[str]:
    return [each for each in version.split(".") if each.isdigit()]


def _component(name: str) -> str:
    plain = name.removeprefix("nvidia-")
    head, dash, suffix = plain.rpartition("-cu")
    return (head if dash and suffix.isdigit() else plain).replace("-", "_")


def library_folders(packages: Iterable[Package]) -> list[str]:
    """Where their libraries lie, below site-packages, sorted."""
    found = set()
    for each in packages:
        major = _major(each["name"])
        component = _component(each["name"])
        if major and each["name"] != "cuda-toolkit":
            own = int(major) < 13 or component in _APART
            found.add(f"nvidia/{component}/lib" if own else f"nvidia/cu{major}/lib")
    return sorted(found)


def xla_folder(packages: Iterable[Package]) -> str:
    """What XLA wants as its data folder, below site-packages; empty if nothing brings it."""
    for each in packages:
        if _component(each["name"]) == "cuda_nvcc":
            major = _major(each["name"])
            return "nvidia/cuda_nvcc" if int(major or 12) < 13 else f"nvidia/cu{major}"
    return ""

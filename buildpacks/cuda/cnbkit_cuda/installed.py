"""What was installed, read for CUDA: which version, where its libraries lie, who looks for them."""

from __future__ import annotations

import os

from cnbkit import PythonBuild
from cnbkit_cuda.nvidia import cuda_of, library_folders, majors, xla_folder
from cnbkit_cuda.versions import ADDITIONS, LOADER, TURING, XLA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import BuildContext, EnvChanges
    from cnbkit_cuda.nvidia import Package

__all__ = ["Installation"]


class Installation:
    """The image's Python packages.

    Attributes:
        packages: name, version and site-packages folder of each.
        digest: changes with them.
        known: whether anything is known of them.
    """

    def __init__(self, packages: list[Package], digest: str, *, known: bool) -> None:
        self.packages = packages
        self.digest = digest
        self.known = known

    @classmethod
    def read(cls, ctx: BuildContext) -> Installation:
        """From what the installer has written down."""
        import hashlib

        try:
            with open(PythonBuild.read(ctx).packages, encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError):
            return cls([], "", known=False)
        import json

        try:
            packages = json.loads(text)
            named = "\n".join(f"{each['name']} {each['version']}" for each in packages)
        except (ValueError, KeyError, TypeError, RecursionError):
            return cls([], "", known=False)  # code of the app has written over it
        digest = hashlib.sha256(named.encode()).hexdigest()[:16]
        return cls(packages, f"#{digest}", known=True)

    def cuda(self) -> str:
        """The version they are for; empty for none."""
        return cuda_of(self.packages)[0]

    def add_environment(self, launch: EnvChanges) -> None:
        """The loader's path for packages that look there, and XLA's data."""
        names = {each["name"] for each in self.packages}
        roots = sorted(
            {each["directory"] for each in self.packages if each["name"].startswith("nvidia-")}
        )
        if names & {*LOADER}:
            folders = [
                f"{root}/{folder}" for root in roots for folder in library_folders(self.packages)
            ]
            if folders:
                launch.prepend("LD_LIBRARY_PATH", os.pathsep.join(folders), os.pathsep)
        data = xla_folder(self.packages)
        if data and roots and names & {*XLA}:
            launch.default("XLA_FLAGS", f"--xla_gpu_cuda_data_dir={roots[0]}/{data}")

    def without_old_gpus(self, cuda: str) -> str:
        """The package whose wheels leave out GPUs before Turing, with its version; or empty."""
        versions = {each["name"]: each["version"] for each in self.packages}
        for name, since, oldest in TURING:
            version = versions.get(name, "")
            if _numbers(version) >= _numbers(since) and _numbers(cuda) >= _numbers(oldest):
                return f"{name} {version}"
        return ""

    def warnings(self, subject: str, runtime: str) -> list[str]:
        """What does not fit together, a line each."""
        found = majors(self.packages)
        names = {each["name"] for each in self.packages}
        lines = []
        for name in dict.fromkeys(each.package for each in ADDITIONS):
            known = [each.runtime for each in ADDITIONS if each.package == name]
            if name in names and not {*known} & {*found}:
                versions = " or ".join(known)
                lines.append(f"{name} needs libraries of CUDA {versions}, which nothing brings")
        asked = runtime.partition(".")[0]
        if asked and found and asked not in found:
            others = [each["name"] for group in found.values() for each in group]
            lines.append(
                f"{subject} is asked for, but the packages are for CUDA {', '.join(found)} "
                f"({_few(others)}): take versions that are for {subject}"
            )
        if len(found) > 1:
            parts = [
                f"CUDA {major} ({_few([each['name'] for each in group])})"
                for major, group in found.items()
            ]
            lines.append(f"CUDA is in the image {len(found)} times: {'; '.join(parts)}")
        return lines


def _numbers(version: str) -> list[int]:
    """Of "2.11.0rc1+cu128" 2, 11, 0: enough to compare releases."""
    import re

    return [int(number) for number in re.findall(r"\d+", version.partition("+")[0])[:3]]


def _few(names: list[str]) -> str:
    more = len(names) - 4
    return ", ".join(names[:4]) + (f" and {more} more" if more > 0 else "")

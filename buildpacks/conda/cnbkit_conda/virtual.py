"""Virtual packages: what the solver may count on in the image that runs.

Of the run image, not of the machine that builds: nothing here looks at kernel, processor or
graphics card.
"""

from __future__ import annotations

import os

from cnbkit import BuildContext, UserFault
from cnbkit_conda.config import CondaConfig

__all__ = ["virtual_packages"]

# Written into the build image when both images are made: the run image's dpkg status.
_STATUS = "/usr/share/cnbkit/run-image/status"
_ARCHSPEC = {"amd64": "x86_64", "arm64": "aarch64"}
# What conda-lock assumes, too; hardly a package asks.
_LINUX = "5.10"
_CUDA = "__cuda"


def virtual_packages(ctx: BuildContext, config: CondaConfig) -> list[str]:
    """Each as `name=version=build`.

    Raises:
        UserFault: a version is none.
    """
    archspec = _ARCHSPEC.get(ctx.target.arch, ctx.target.arch)
    found = [
        "__unix=0=0",
        f"__linux={_LINUX}=0",
        f"__glibc={_version('BP_CONDA_GLIBC', config.glibc or _glibc())}=0",
        f"__archspec=1={archspec}",
    ]
    asked = _requested(ctx)
    if config.cuda:
        asked[_CUDA] = config.cuda
    for name, version in sorted(asked.items()):
        place = "BP_CONDA_CUDA" if name == _CUDA and config.cuda else name
        found.append(f"{name}={_version(place, version)}=0")
    return found


def _requested(ctx: BuildContext) -> dict[str, str]:
    """What later buildpacks ask the solver to count on, by way of the build plan."""
    found: dict[str, str] = {}
    for request in ctx.package_requests("conda-environment"):
        found.update(request.virtual_packages)
    return found


def _glibc() -> str:
    try:
        with open(_STATUS, encoding="utf-8", errors="replace") as file:
            package = file.read().partition("Package: libc6\n")[2].partition("\n\n")[0]
    except FileNotFoundError:
        package = ""
    # "Version: 2.36-9+deb12u10"
    version = package.partition("\nVersion: ")[2].partition("\n")[0].partition("-")[0]
    # "glibc 2.36": of the build image, which is made of the same distribution.
    return version or (os.confstr("CS_GNU_LIBC_VERSION") or "glibc 2.28").split()[-1]


def _version(setting: str, text: str) -> str:
    parts = text.split(".")
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise UserFault(
            f"{text!r} is not a version", where=setting, remedy="write numbers, such as 12.8"
        )
    return text

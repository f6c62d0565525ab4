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
# Set by buildpacks before this one: "12.8"; and the `hardware` buildpack's "cuda" or "cuda:12.8",
# with rules of which one is `default 12.8`.
_CUDA = "CNBKIT_CUDA"
_HARDWARE, _RULES = "CNBKIT_HARDWARE", "CNBKIT_HARDWARE_RULES"


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
    cuda = config.cuda or ctx.env.get(_CUDA, "") or _of_hardware(ctx)
    if cuda:
        found.append(f"__cuda={_version('BP_CONDA_CUDA' if config.cuda else _CUDA, cuda)}=0")
    return found


def _of_hardware(ctx: BuildContext) -> str:
    name, _, version = ctx.env.get(_HARDWARE, "").partition(":")
    if name != "cuda":
        return ""
    rules = (rule.split() for rule in ctx.env.get(_RULES, "").splitlines())
    return version or next((rule[1] for rule in rules if rule[:1] == ["default"]), "")


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
            f"{text!r} is no version", where=setting, remedy="write numbers, such as 12.8"
        )
    return text

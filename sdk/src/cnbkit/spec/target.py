"""What the image is built for (buildpack.md, "Targets" and the CNB_TARGET_* variables)."""

from __future__ import annotations

import os

from cnbkit.spec.model import Model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Target"]


# What Linux calls the architectures for which Go, and so the lifecycle, has other names.
_GO_NAMES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


class Target(Model):
    """Operating system, architecture and distribution of the run image.

    Attributes:
        variant: of the architecture, like `v8`; empty if none.
        distro, distro_version: like `debian`, `12`; empty where the platform does not say.
    """

    os: str = "linux"
    arch: str = "amd64"
    variant: str = ""
    distro: str = ""
    distro_version: str = ""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Target:
        """Read the CNB_TARGET_* variables (API 0.10 and later).

        A platform that knows nothing of its run image sets none; what builds is then taken for
        what is built for.
        """
        return cls(
            os=env.get("CNB_TARGET_OS") or "linux",
            arch=env.get("CNB_TARGET_ARCH") or _machine(),
            variant=env.get("CNB_TARGET_ARCH_VARIANT", ""),
            distro=env.get("CNB_TARGET_DISTRO_NAME", ""),
            distro_version=env.get("CNB_TARGET_DISTRO_VERSION", ""),
        )

    def __str__(self) -> str:
        variant = f"/{self.variant}" if self.variant else ""
        distro = f" ({self.distro} {self.distro_version})" if self.distro else ""
        return f"{self.os}/{self.arch}{variant}{distro}"


def _machine() -> str:
    machine = os.uname().machine
    return _GO_NAMES.get(machine, machine)

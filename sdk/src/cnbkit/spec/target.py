"""What the image is built for (buildpack.md, "Targets" and the CNB_TARGET_* variables)."""

from __future__ import annotations

from cnbkit.spec.model import Model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Target"]


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
        """Read the CNB_TARGET_* variables (API 0.10 and later)."""
        return cls(
            os=env.get("CNB_TARGET_OS", "linux"),
            arch=env.get("CNB_TARGET_ARCH", "amd64"),
            variant=env.get("CNB_TARGET_ARCH_VARIANT", ""),
            distro=env.get("CNB_TARGET_DISTRO_NAME", ""),
            distro_version=env.get("CNB_TARGET_DISTRO_VERSION", ""),
        )

    def __str__(self) -> str:
        variant = f"/{self.variant}" if self.variant else ""
        distro = f" ({self.distro} {self.distro_version})" if self.distro else ""
        return f"{self.os}/{self.arch}{variant}{distro}"

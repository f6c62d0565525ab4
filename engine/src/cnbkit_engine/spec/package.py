"""package.toml (pack's format; no specification of its own)."""

from __future__ import annotations

from cnbkit.spec.buildpack import TargetEntry
from cnbkit.spec.model import Model, field
from cnbkit.spec.toml import Document

__all__ = ["Dependency", "PackageDescriptor", "PackageSource", "Platform"]


class PackageSource(Model):
    """What is packaged: a folder, or another locator pack knows."""

    uri: str


class Dependency(Model):
    """A buildpack that goes into the package of a composite."""

    uri: str | None = None
    image: str | None = None

    def validate_whole(self) -> None:
        """It comes from one place."""
        if bool(self.uri) == bool(self.image):
            raise ValueError("give either uri or image")


class Platform(Model):
    """The `[platform]` table, which targets replaced."""

    os: str = "linux"


class PackageDescriptor(Document):
    """package.toml. Unknown keys are errors, as they are to pack."""

    buildpack: PackageSource | None = None
    extension: PackageSource | None = None
    dependencies: list[Dependency] = field(default_factory=list)
    platform: Platform | None = None
    targets: list[TargetEntry] = field(default_factory=list)

    def validate_whole(self) -> None:
        """It packages one thing."""
        if bool(self.buildpack) == bool(self.extension):
            raise ValueError("give either [buildpack] or [extension] with its uri")
        if self.extension and self.dependencies:
            raise ValueError("an extension has no dependencies")

"""buildpack.toml (buildpack.md, "buildpack.toml (TOML)")."""

from __future__ import annotations

from cnbkit.contract import names
from cnbkit.contract.document import Document
from cnbkit.contract.model import Model, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "BuildpackDescriptor",
    "BuildpackInfo",
    "Distro",
    "License",
    "Order",
    "OrderEntry",
    "TargetEntry",
]


class License(Model):
    """A licence of the buildpack: an SPDX expression, or where the text is."""

    type: str | None = None
    uri: str | None = None


class BuildpackInfo(Model, hyphens=True):
    """The `[buildpack]` table."""

    id: str = field(check=names.buildpack_id)
    version: str = field(check=names.version)
    name: str | None = None
    homepage: str | None = None
    description: str | None = None
    keywords: list[str] = field(default_factory=list)
    clear_env: bool = False
    sbom_formats: list[str] = field(default_factory=list)
    licenses: list[License] = field(default_factory=list)
    exec_env: list[str] = field(default_factory=list)


class Distro(Model):
    """A Linux distribution a target is limited to."""

    name: str
    version: str | None = None


class TargetEntry(Model):
    """One entry of `[[targets]]`; what is left out matches anything."""

    os: str | None = None
    arch: str | None = None
    variant: str | None = None
    distros: list[Distro] = field(default_factory=list)


class OrderEntry(Model, hyphens=True):
    """A buildpack in a group."""

    id: str = field(check=names.buildpack_id)
    version: str
    optional: bool = False
    exec_env: list[str] = field(default_factory=list)


class Order(Model):
    """One `[[order]]`: a group to try."""

    group: list[OrderEntry]


class BuildpackDescriptor(Document):
    """buildpack.toml of a component (with bin/) or composite (with `[[order]]`)."""

    api: str = field(check=names.api_version)
    buildpack: BuildpackInfo
    order: list[Order] = field(default_factory=list)
    targets: list[TargetEntry] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)

    def validate_whole(self) -> None:
        """A composite has no targets of its own (pack refuses both)."""
        if self.order and self.targets:
            raise ValueError("[[order]] and [[targets]] exclude each other")

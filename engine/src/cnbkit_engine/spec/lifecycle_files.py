"""The platform's documents: what a builder image holds and what the phases hand on.

platform.md, "Data Format". Those the lifecycle writes may grow keys, so unknown ones pass.
"""

from __future__ import annotations

from cnbkit.spec.model import Model, field
from cnbkit.spec.toml import Document
from cnbkit_engine.spec.builder import BuilderEntry, BuilderOrder, RunImage, System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "Analyzed",
    "GroupEntry",
    "GroupFile",
    "ImageReference",
    "ImageReport",
    "LayerFile",
    "LayerTypes",
    "OrderFile",
    "Report",
    "RunFile",
    "RunReference",
    "StackFile",
    "SystemFile",
]


class OrderFile(Document):
    """order.toml: groups the detector tries, of buildpacks and of extensions."""

    order: list[BuilderOrder] = field(default_factory=list)
    order_extensions: list[BuilderOrder] = field(default_factory=list)


class RunFile(Document):
    """run.toml."""

    images: list[RunImage] = field(default_factory=list)


class StackFile(Document):
    """stack.toml, which run.toml replaced with Platform API 0.12."""

    run_image: RunImage


class SystemFile(Document):
    """system.toml. The lifecycle knows no `optional` here and ignores it."""

    system: System


class LayerTypes(Model):
    """For whom a layer is; none of them makes it a temporary directory."""

    launch: bool = False
    build: bool = False
    cache: bool = False


class LayerFile(Document):
    """<layer>.toml; as restored it has no types."""

    types: LayerTypes = field(default_factory=LayerTypes)
    metadata: dict[str, Any] = field(default_factory=dict)


class GroupEntry(BuilderEntry, extra="ignore"):
    """A buildpack that detection chose."""

    api: str | None = None
    homepage: str | None = None
    extension: bool = False


class GroupFile(Document, extra="ignore"):
    """group.toml: what detection chose."""

    group: list[GroupEntry] = field(default_factory=list)
    group_extensions: list[GroupEntry] = field(default_factory=list)


class ImageReference(Model, hyphens=True, extra="ignore"):
    """An image by its reference."""

    reference: str


class RunReference(ImageReference):
    """The run image, perhaps to be extended."""

    image: str | None = None
    extend: bool = False
    target: dict[str, Any] = field(default_factory=dict)


class Analyzed(Document, extra="ignore"):
    """analyzed.toml."""

    image: ImageReference | None = None
    build_image: ImageReference | None = None
    run_image: RunReference | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


class ImageReport(Model, hyphens=True, extra="ignore"):
    """The image that came out."""

    tags: list[str] = field(default_factory=list)
    digest: str | None = None
    image_id: str | None = None
    manifest_size: int | None = None


class Report(Document, extra="ignore"):
    """report.toml."""

    image: ImageReport

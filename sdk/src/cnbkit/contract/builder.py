"""builder.toml, as far as cnbkit reads it (pack's format; no specification of its own)."""

from __future__ import annotations

from cnbkit.contract.descriptor import Order
from cnbkit.contract.document import Document
from cnbkit.contract.model import Model, field

__all__ = ["BuilderBuildpack", "BuilderDescriptor"]


class BuilderBuildpack(Model):
    """A buildpack of the builder.

    Attributes:
        uri: its folder, relative to builder.toml.
        id, version: checked against the folder's own if given.
    """

    uri: str
    id: str | None = None
    version: str | None = None


class BuilderDescriptor(Document):
    """builder.toml."""

    description: str = ""
    buildpacks: list[BuilderBuildpack]
    order: list[Order] = field(default_factory=list)

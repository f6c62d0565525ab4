"""buildpack.toml and extension.toml (buildpack.md and image_extension.md)."""

from __future__ import annotations

import os

from cnbkit.errors import BuildpackFault, InvalidDocument
from cnbkit.spec import names, sbom
from cnbkit.spec.model import Model, field
from cnbkit.spec.toml import Document, decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeVar

    M = TypeVar("M", bound=Model)

__all__ = [
    "BuildpackDescriptor",
    "BuildpackInfo",
    "Distro",
    "ExtensionDescriptor",
    "ExtensionInfo",
    "License",
    "Order",
    "OrderEntry",
    "Stack",
    "TargetEntry",
    "notes",
    "read_metadata",
]


# Older Buildpack APIs know no execution environments.
_WITHOUT_EXEC_ENV = ("0.10", "0.11")


def _formats(value: list[str]) -> list[str]:
    return [sbom.media_type(each) for each in value]


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
    sbom_formats: list[str] = field(default_factory=list, check=_formats)
    licenses: list[License] = field(default_factory=list)
    exec_env: list[str] = field(default_factory=list, read=names.exec_env)


class ExtensionInfo(Model, hyphens=True):
    """The `[extension]` table."""

    id: str = field(check=names.buildpack_id)
    version: str = field(check=names.version)
    name: str | None = None
    homepage: str | None = None
    description: str | None = None
    keywords: list[str] = field(default_factory=list)
    clear_env: bool = False
    licenses: list[License] = field(default_factory=list)
    exec_env: list[str] = field(default_factory=list, read=names.exec_env)


class Distro(Model):
    """A Linux distribution a target is limited to."""

    name: str
    version: str | None = None


class TargetEntry(Model):
    """One entry of `[[targets]]`; what is left out matches anything.

    Attributes:
        variant: pack heeds it; the lifecycle looks for another key and so ignores it.
    """

    os: str | None = None
    arch: str | None = None
    variant: str | None = None
    distros: list[Distro] = field(default_factory=list)


class Stack(Model):
    """One entry of `[[stacks]]`, which targets replaced with Buildpack API 0.10."""

    id: str
    mixins: list[str] = field(default_factory=list)


class OrderEntry(Model, hyphens=True):
    """A buildpack in a group.

    Attributes:
        exec_env: in the specification; the lifecycle ignores it.
    """

    id: str = field(check=names.buildpack_id)
    version: str
    optional: bool = False
    exec_env: list[str] = field(default_factory=list, read=names.exec_env)


class Order(Model):
    """One `[[order]]`: a group to try."""

    group: list[OrderEntry]


class BuildpackDescriptor(Document):
    """buildpack.toml of a component (with bin/) or composite (with `[[order]]`)."""

    api: str = field(check=names.api_version)
    buildpack: BuildpackInfo
    order: list[Order] = field(default_factory=list)
    targets: list[TargetEntry] = field(default_factory=list)
    stacks: list[Stack] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)

    def runs_in(self, exec_env: str) -> bool:
        """Whether the lifecycle asks it in that execution environment (API 0.12)."""
        return self.api in _WITHOUT_EXEC_ENV or names.runs_in(self.buildpack.exec_env, exec_env)

    @property
    def is_composite(self) -> bool:
        """Whether it consists of other buildpacks and runs nothing itself."""
        return bool(self.order)

    def validate_whole(self) -> None:
        """What only a component may say (pack refuses both)."""
        both = [key for key in ("targets", "stacks") if self.order and getattr(self, key)]
        said = [
            f"[[order]] and [[{key}]] exclude each other: a composite runs nothing itself"
            for key in both
        ]
        if any(not order.group for order in self.order):
            said.append("an [[order]] needs at least one [[order.group]]")
        if said:
            raise ValueError("; ".join(said))


class ExtensionDescriptor(Document):
    """extension.toml."""

    api: str = field(check=names.api_version)
    extension: ExtensionInfo
    targets: list[TargetEntry] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)

    def runs_in(self, exec_env: str) -> bool:
        """Whether the lifecycle asks it in that execution environment (API 0.12)."""
        return self.api in _WITHOUT_EXEC_ENV or names.runs_in(self.extension.exec_env, exec_env)


def library_folders(metadata: Mapping[str, Any], folder: str) -> list[str]:
    """The packages a descriptor declares as shared with other buildpacks.

    Args:
        metadata: the descriptor's `[metadata]`; `libraries` of its table `cnbkit` is read.
        folder: the descriptor's folder.

    Returns:
        a path a library: a Python package that is copied beside the buildpack's own code.

    Raises:
        ValueError: it is not a list of relative paths.
    """
    table = metadata.get("cnbkit")
    named = table.get("libraries", []) if isinstance(table, dict) else []
    if not isinstance(named, list) or any(
        not isinstance(name, str) or not name or name.startswith("/") for name in named
    ):
        raise ValueError(
            'libraries in [metadata.cnbkit] is a list of folders: ["../common/acme_paths"]'
        )
    return [os.path.normpath(f"{folder}/{name}") for name in named]


def read_metadata(text: bytes, kind: type[M], *, name: str, where: str) -> M:
    """A descriptor's `[metadata]` without what is cnbkit's, as the model its author declared.

    Raises:
        BuildpackFault: it does not fit; every fault with its line.
    """
    try:
        table = decode(text, name=name, where=where).get("metadata", {})
        declared = {spec.toml or field_ for field_, spec in kind.__fields__.items()}
        ours = {"cnbkit", "dependencies", "dependency-constraints"} - declared
        if isinstance(table, dict):
            table = {key: value for key, value in table.items() if key not in ours}
        return kind.parse(table, name="[metadata]", where=where)
    except InvalidDocument as invalid:
        from cnbkit.spec.positions import line_of, lines

        # Of text that is not TOML the line is known, of all else to be found.
        known = {} if invalid.name == name else lines(text.decode())
        faults = []
        for fault in invalid.faults:
            line = fault.line or line_of(("metadata", *fault.path), known) or 1
            fault.line = None
            faults.append((line, str(fault)))
        raise BuildpackFault.of(
            name, faults, remedy="correct [metadata], or the model it is read with"
        ) from None


def notes(data: Mapping[str, Any]) -> list[str]:
    """What is read of a descriptor though one should not write it so.

    Args:
        data: the decoded buildpack.toml or extension.toml.
    """
    found = []
    if "stacks" in data:
        found.append("[[stacks]] has no meaning since Buildpack API 0.10: write [[targets]]")
    elif not data.get("targets") and not data.get("order"):
        found.append(
            "no [[targets]]: the lifecycle takes any linux, pack only linux/amd64; name them"
        )
    info = data.get("buildpack") or data.get("extension")
    written = info.get("exec-env") if isinstance(info, dict) else None
    if names.exec_env(written) is not written:
        found.append('exec-env as tables fails in the lifecycle and pack: write exec-env = ["…"]')
    return found

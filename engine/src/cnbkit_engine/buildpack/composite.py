"""A composite: buildpacks under one name, with the order to try them in.

all/
  buildpack.toml    [buildpack] and [[order]]
  package.toml      [[dependencies]]: where the buildpacks of the order are

or, where a builder.toml has the order already, so that it stands in one place only:

all/
  buildpack.toml    [buildpack], and [metadata.cnbkit] builder = "../builder.toml"
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from cnbkit.errors import BuildpackFault
from cnbkit.spec.toml import decode, encode
from cnbkit_engine.spec.package import PackageDescriptor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Composite", "is_composite"]


def is_composite(directory: Path) -> bool:
    """Whether a folder's buildpack.toml has an order, or names a builder.toml that has it."""
    toml = directory / "buildpack.toml"
    if not toml.is_file():
        return False
    table = decode(toml.read_bytes(), name="buildpack.toml", where=str(toml))
    return "order" in table or bool(_builder(table))


class Composite:
    """A folder with a composite.

    Args:
        directory: the folder.

    Attributes:
        builder: the builder.toml that has its order; None if it has one itself.
        dependencies: where its buildpacks are: uri and image, one of them empty.
        descriptor: the file the dependencies stand in.
        targets: `[[targets]]` of package.toml.

    Raises:
        InvalidDocument: package.toml is wrong; every fault is named.
        BuildpackFault: an order and a builder.toml at once, or no package.toml.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        toml = directory / "buildpack.toml"
        self._table = decode(toml.read_bytes(), name="buildpack.toml", where=str(toml))
        builder = _builder(self._table)
        if builder and "order" in self._table:
            raise BuildpackFault(
                "buildpack.toml has an [[order]] and names a builder.toml with another",
                where=str(toml),
                remedy="remove one of the two",
            )
        self.builder = (directory / builder).resolve() if builder else None
        self.dependencies: list[tuple[str, str]] = []
        self.targets: list[Mapping[str, Any]] = []
        self.descriptor = self.builder or directory / "package.toml"
        if self.builder is None:
            self._read_package()

    def _read_package(self) -> None:
        path = self.descriptor
        if not path.is_file():
            raise BuildpackFault(
                "a composite needs a package.toml that says where its buildpacks are",
                where=str(path),
                remedy='add: [buildpack] uri = "." and a [[dependencies]] uri = "…" for each',
            )
        package = PackageDescriptor.loads(path.read_bytes(), name=path.name, where=str(path))
        self.dependencies = [(each.uri or "", each.image or "") for each in package.dependencies]
        self.targets = [each.to_plain() for each in package.targets]

    def write(self, out: Path, order: Sequence[Mapping[str, Any]] = ()) -> None:
        """Write it as the lifecycle reads it, to a folder that does not exist yet.

        Args:
            out: the folder.
            order: its groups, where a builder.toml has them.
        """
        out.mkdir(parents=True)
        for name in ("README.md", "LICENSE"):
            if (self.directory / name).is_file():
                shutil.copy(self.directory / name, out / name)
        if self.builder is None:
            shutil.copy(self.directory / "buildpack.toml", out / "buildpack.toml")
            return
        # [[targets]] and [[order]] exclude each other, and no one else reads our metadata.
        table = {"api": self._table.get("api"), "buildpack": self._table.get("buildpack")}
        text = encode({**table, "order": list(order)})
        (out / "buildpack.toml").write_text(text, encoding="utf-8")


def _builder(table: Mapping[str, Any]) -> str:
    metadata = table.get("metadata")
    ours = metadata.get("cnbkit") if isinstance(metadata, dict) else None
    found = ours.get("builder", "") if isinstance(ours, dict) else ""
    return found if isinstance(found, str) else ""

"""A buildpack or extension as packages and builders carry it: a folder and what labels say of it.

The labels are pack's (`io.buildpacks.buildpackage.metadata`, `io.buildpacks.buildpack.layers`);
the distribution specification names them, pack's code says what is in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnbkit.errors import BuildpackFault
from cnbkit.spec.toml import decode
from cnbkit_engine.oci.layer import Entry, folder_entries

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["OCI", "Module", "identity", "order_label"]

OCI = "org.opencontainers.image."
"""The prefix of image-spec's annotations, which are labels, too."""
_INFO = ("id", "name", "version", "description", "homepage", "keywords", "exec-env")


class Module:
    """A folder the lifecycle can execute.

    Args:
        folder: holds buildpack.toml or extension.toml.

    Attributes:
        table: its descriptor's content.
        is_extension: whether it is an image extension.
        id: its id.
        version: its version.

    Raises:
        BuildpackFault: there is no descriptor, or it has no API version, id or version.
        InvalidDocument: it is not TOML.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        toml = folder / "buildpack.toml"
        self.is_extension = not toml.is_file()
        if self.is_extension:
            toml = folder / "extension.toml"
        if not toml.is_file():
            raise BuildpackFault(
                "there is neither buildpack.toml nor extension.toml",
                where=str(folder),
                remedy="name a folder that holds a buildpack",
            )
        self.table: dict[str, Any] = decode(toml.read_bytes(), name=toml.name, where=str(toml))
        kind = "extension" if self.is_extension else "buildpack"
        info = self.table.get(kind)
        self._info: Mapping[str, Any] = info if isinstance(info, dict) else {}
        wrong = [
            f"{table}{key}"
            for table, key, value in (
                ("", "api", self.table.get("api")),
                (f"{kind}.", "id", self._info.get("id")),
                (f"{kind}.", "version", self._info.get("version")),
            )
            if not isinstance(value, str) or not value
        ]
        if wrong:
            raise BuildpackFault(
                f"{toml.name} lacks {', '.join(wrong)}", where=str(toml), remedy="add it"
            )
        self.id: str = self._info["id"]
        self.version: str = self._info["version"]

    @property
    def identity(self) -> str:
        """`id@version`."""
        return identity(self.id, self.version)

    @property
    def order(self) -> list[Mapping[str, Any]]:
        """Its groups; empty for a component."""
        return list(self.table.get("order") or ())

    @property
    def targets(self) -> list[Mapping[str, Any]]:
        """Its `[[targets]]`."""
        return list(self.table.get("targets") or ())

    @property
    def place(self) -> str:
        """Its folder in an image."""
        parent = "extensions" if self.is_extension else "buildpacks"
        return f"/cnb/{parent}/{self.id.replace('/', '_')}/{self.version}"

    def entries(self) -> Iterator[Entry]:
        """Its layer: the two folders above its files, which pack looks for, and these."""
        yield Entry(self.place.rpartition("/")[0])
        yield Entry(self.place)
        yield from folder_entries(self.folder, self.place)

    def info(self) -> dict[str, Any]:
        """What `io.buildpacks.buildpackage.metadata` and a builder's metadata say of it."""
        told = {key: self._info[key] for key in _INFO if self._info.get(key)}
        if licenses := self._info.get("licenses"):
            # pack gives these two no JSON names of their own.
            told["licenses"] = [
                {"Type": each.get("type", ""), "URI": each.get("uri", "")} for each in licenses
            ]
        if self._info.get("clear-env"):
            told["clear-env"] = True
        return told

    def annotations(self) -> dict[str, str]:
        """What it is, as image-spec's annotations have it; registries show them."""
        licences = [each.get("type", "") for each in self._info.get("licenses") or ()]
        said = {
            "title": self._info.get("name") or self.id,
            "version": self.version,
            "description": self._info.get("description", ""),
            "url": self._info.get("homepage", ""),
            "licenses": " AND ".join(filter(None, licences)),
        }
        return {f"{OCI}{key}": str(value) for key, value in said.items() if value}

    def layer_info(self, diff_id: str) -> dict[str, Any]:
        """What `io.buildpacks.buildpack.layers` says of it."""
        told: dict[str, Any] = {"api": self.table["api"]}
        if stacks := self.table.get("stacks"):
            told["stacks"] = stacks
        if self.targets:
            told["targets"] = [_target(each) for each in self.targets]
        if self.order:
            told["order"] = order_label(self.order)
        told["layerDiffID"] = diff_id
        told |= {key: self._info[key] for key in ("homepage", "name") if self._info.get(key)}
        return told


def identity(id: str, version: str) -> str:  # noqa: A002 - the specification's word
    """`id@version`, or the id alone."""
    return f"{id}@{version}" if version else id


def order_label(order: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Groups as labels spell them: without what is not said."""
    return [
        {
            "group": [
                {key: value for key, value in entry.items() if value}
                for entry in each.get("group") or ()
            ]
        }
        for each in order
    ]


def _target(target: Mapping[str, Any]) -> dict[str, Any]:
    told = {"os": target.get("os", ""), "arch": target.get("arch", "")}
    for key in ("variant", "distros"):
        if target.get(key):
            told[key] = target[key]
    return told

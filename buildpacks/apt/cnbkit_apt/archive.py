"""A .deb that apt decided for."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

__all__ = ["Archive"]


@dataclass(frozen=True)
class Archive:
    """A package in one version.

    Attributes:
        name: the package.
        version: as Debian writes it, with an epoch if it has one.
        arch: `amd64`, `arm64` or `all`.
        file: name of its file.
        size: in bytes, packed.
        checksum: `SHA256:…`.
        uri: where it is.
    """

    name: str
    version: str
    arch: str
    file: str
    size: int
    checksum: str
    uri: str

    @classmethod
    def parse(cls, line: str) -> Archive:
        """From a line of `apt-get --print-uris`: 'URI' file size checksum."""
        uri, _, rest = line.removeprefix("'").partition("' ")
        file, size, *checksum = rest.split(" ")
        name, version, arch = unquote(file.removesuffix(".deb")).rsplit("_", 2)
        return cls(name, version, arch, file, int(size), "".join(checksum), uri)

    @property
    def identity(self) -> str:
        """What a layer with it depends on."""
        return f"{self.name} {self.version} #{self.checksum}"

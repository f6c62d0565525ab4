"""Something that was installed, as bills of materials have it."""

from __future__ import annotations

from dataclasses import dataclass

from cnbkit.errors import BuildpackFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Component"]


@dataclass(frozen=True)
class Component:
    """Something that was installed.

    Attributes:
        type: of the package URL: `pypi`, `deb`, `conda`.
        name: as its ecosystem writes it.
        version: likewise.
        namespace: of the package URL: `debian`; may be empty.
        qualifiers: of the package URL: `{"arch": "amd64"}`.
        licence: an SPDX licence expression; empty if there is none. What is no such expression
            is taken for a name.
        licences: names of licences in other words.
        sha256: of the file it was installed from, in hexadecimal; empty if unknown.
        summary: what it is, in a line.
    """

    type: str
    name: str
    version: str
    namespace: str = ""
    qualifiers: Mapping[str, str] | None = None
    licence: str = ""
    licences: tuple[str, ...] = ()
    sha256: str = ""
    summary: str = ""

    @property
    def purl(self) -> str:
        """The package URL (purl-spec).

        Raises:
            BuildpackFault: there is no name, or the type or a qualifier's name is none.
        """
        from packageurl import PackageURL

        qualifiers = {name: value for name, value in (self.qualifiers or {}).items() if value}
        try:
            return PackageURL(
                self.type, self.namespace, self.name, self.version, qualifiers
            ).to_string()
        except ValueError as error:
            raise BuildpackFault(
                f"{self.name!r} cannot be listed in a bill of materials: {error}",
                where=f"Component(type={self.type!r}, name={self.name!r}, …)",
                remedy="give it a name, and a type that purl-spec has, such as pypi or generic",
            ) from None

"""A file from elsewhere that a buildpack installs, known by its checksum."""

from __future__ import annotations

from cnbkit.errors import BuildpackFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cnbkit.sbom.component import Component

__all__ = ["Dependency"]

_HEX = frozenset("0123456789abcdef")
# Length of a checksum in hexadecimal digits → how it is made.
_ALGORITHMS = {64: "sha256", 96: "sha384", 128: "sha512"}


class Dependency:
    """A file from elsewhere, known by its checksum.

    Args:
        url: where it is.
        checksum: SHA-256, SHA-384 or SHA-512 in hexadecimal; `sha512:…` is read, too.
        name: its file name; the address's last part if not given.
        mirrors: where else it is.
        headers: gives what each request to `url` has besides, such as `Authorization`. Asked for
            every request, because signatures may soon be out of date. Mirrors, and other hosts
            that `url` redirects to, never see any of it.
        id: what it is, like `node`; of those that the descriptor lists.
        version: its version.
        licenses: SPDX identifiers.
        end_of_life: the day after which it gets no more fixes, like `2026-04-30`.

    Attributes:
        digest: the checksum's digits alone.
        algorithm: "sha256", "sha384" or "sha512".

    Raises:
        BuildpackFault: what should be a checksum is none.
    """

    __slots__ = (
        "algorithm",
        "digest",
        "end_of_life",
        "headers",
        "id",
        "licenses",
        "mirrors",
        "name",
        "url",
        "version",
    )

    def __init__(
        self,
        url: str,
        checksum: str,
        *,
        name: str = "",
        mirrors: Sequence[str] = (),
        headers: Callable[[], Mapping[str, str]] | None = None,
        id: str = "",  # noqa: A002
        version: str = "",
        licenses: Sequence[str] = (),
        end_of_life: str = "",
    ) -> None:
        named, _, digits = checksum.lower().rpartition(":")
        self.url = url
        self.digest = digits
        self.algorithm = _ALGORITHMS.get(len(digits), "")
        self.name = name or url.partition("?")[0].rstrip("/").rpartition("/")[2]
        self.mirrors = tuple(mirrors)
        self.headers = headers
        self.id = id
        self.version = version
        self.licenses = tuple(licenses)
        self.end_of_life = end_of_life
        if named not in ("", self.algorithm) or not self.algorithm or not _HEX.issuperset(digits):
            raise BuildpackFault(
                f"{checksum!r} is not a checksum",
                where=url,
                remedy="give the SHA-256 (64 hexadecimal digits), SHA-384 or SHA-512 of the file",
            )
        if not self.name or self.name in (".", "..") or "/" in self.name:
            raise BuildpackFault(f"{url} has no file name", where=url, remedy="give name=")

    def component(self) -> Component:
        """What a bill of materials says of it."""
        from cnbkit.sbom.component import Component

        return Component(
            "generic",
            self.id or self.name,
            self.version or self.digest[:12],
            qualifiers={"download_url": self.url},
            licence=" AND ".join(self.licenses),
            sha256=self.digest if self.algorithm == "sha256" else "",
        )

    def __repr__(self) -> str:
        version = f" {self.version}" if self.version else ""
        return f"Dependency({self.name!r}{version}, {self.algorithm}={self.digest[:12]!r})"

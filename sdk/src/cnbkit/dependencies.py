"""What a buildpack's descriptor lists as its dependencies, and the choice among them.

[[metadata.dependencies]]
id = "node"
version = "20.11.1"
uri = "https://…/node-v20.11.1-linux-x64.tar.xz"
checksum = "sha256:…"             # or sha256 = "…"
targets = ["linux/amd64"]         # any if left out; os = "…", arch = "…" is read, too
licenses = ["MIT"]
end-of-life = "2026-04-30"
mirrors = ["https://…"]
name = "node.tar.xz"              # the address's last part if left out
"""

from __future__ import annotations

from cnbkit.dependency import Dependency
from cnbkit.errors import BuildpackFault, InvalidDocument, UserFault
from cnbkit.spec.model import Model, field
from cnbkit.version_range import VersionRange, version_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from cnbkit.log import Log
    from cnbkit.spec.target import Target
    from cnbkit.version_range import Scheme

__all__ = ["Dependencies", "Listed", "dependencies_in"]

# How long before its end a version is worth a warning.
_SOON = 30


def _names(value: Any) -> Any:
    """Names of licences, also of tables with `type` (libpak)."""
    if isinstance(value, list):
        return [each.get("type", "") if isinstance(each, dict) else each for each in value]
    return value


def _day(value: Any) -> Any:
    """A day as text, also of a date or time of TOML."""
    return value.isoformat()[:10] if hasattr(value, "isoformat") else str(value)[:10]


class Listed(Model, hyphens=True, extra="ignore"):
    """One entry of `[[metadata.dependencies]]`."""

    uri: str
    id: str = ""
    version: str = ""
    checksum: str = ""
    sha256: str = ""
    name: str = ""
    mirrors: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    os: str = ""
    arch: str = ""
    licenses: list[str] = field(default_factory=list, read=_names)
    end_of_life: str = field(default="", read=_day)
    deprecation_date: str = field(default="", toml="deprecation_date", read=_day)

    def fits(self, os: str, arch: str) -> bool:
        """Whether it is for an operating system and an architecture."""
        here = f"{os}/{arch}"
        named = not self.targets or any(here == each or os == each for each in self.targets)
        return named and self.os in ("", os) and self.arch in ("", arch)

    def dependency(self) -> Dependency:
        """As `ctx.download` takes it."""
        return Dependency(
            self.uri,
            self.checksum or self.sha256,
            name=self.name,
            mirrors=self.mirrors,
            id=self.id,
            version=self.version,
            licenses=self.licenses,
            end_of_life=self.end_of_life or self.deprecation_date,
        )


class _Metadata(Model, extra="ignore"):
    dependencies: list[Listed] = field(default_factory=list)


def dependencies_in(metadata: Mapping[str, Any], where: str) -> list[Listed]:
    """What the `[metadata]` of a descriptor lists.

    Raises:
        BuildpackFault: the list is not as it should be; every fault at once.
    """
    faults = []
    listed = []
    try:
        listed = _Metadata.parse(metadata, name="[metadata]", where=where).dependencies
    except InvalidDocument as invalid:
        faults = [str(fault) for fault in invalid.faults]
        table = metadata.get("dependencies")
        for at, each in enumerate(table if isinstance(table, list) else []):
            if isinstance(each, dict) and not {"sha256", "checksum"} & {*each}:
                faults.append(f"dependencies[{at}].checksum: is required")
    for at, entry in enumerate(listed):
        if entry.id and not entry.version:
            faults.append(f"dependencies[{at}].version: is required beside id")
        try:
            entry.dependency()
        except BuildpackFault as fault:
            faults.append(f"dependencies[{at}]: {fault.what}")
    if faults:
        raise BuildpackFault(
            "[[metadata.dependencies]] is not as it should be",
            where=where,
            remedy="give each uri and checksum",
            detail="\n".join(faults),
        )
    return listed


class Dependencies:
    """The dependencies of one id that fit the target: what `ctx.dependencies(id)` gives.

    Args:
        id: what is looked for.
        listed: all that the descriptor lists.
        target: what is built for.
        where: the descriptor, for faults.
        log: told of a version near its end.
        today: the day, like `2026-04-30`.
        licenses: SPDX identifiers that are allowed; all if there are none.
    """

    def __init__(
        self,
        id: str,  # noqa: A002
        listed: Sequence[Listed],
        target: Target,
        *,
        where: str,
        log: Log,
        today: str,
        licenses: Sequence[str] = (),
    ) -> None:
        named = [each for each in listed if each.id == id]
        if not named:
            ids = ", ".join(sorted({each.id for each in listed if each.id})) or "none"
            raise BuildpackFault(
                f"no dependency with the id {id!r} is listed",
                where=where,
                remedy=f"list it in [[metadata.dependencies]]; there are: {ids}",
            )
        fitting = [each for each in named if each.fits(target.os, target.arch)]
        self._allowed = [
            each.dependency()
            for each in fitting
            if not licenses or not each.licenses or {*each.licenses} & {*licenses}
        ]
        self._id = id
        self._where = where
        self._target = target
        self._why = "" if fitting == named else f" for {target.os}/{target.arch}"
        if len(self._allowed) < len(fitting):
            self._why += f" with a licence that is allowed ({', '.join(licenses)})"
        self._log = log
        self._today = today

    def __iter__(self) -> Iterator[Dependency]:
        return iter(self._allowed)

    def __len__(self) -> int:
        return len(self._allowed)

    def best(self, wanted: str = "*", *, scheme: Scheme = "semver", where: str = "") -> Dependency:
        """The newest version in a range; says so if it gets no more fixes.

        Args:
            wanted: `20.*`, `^20.1`, `>=18 <21`, `18 || 20`; empty or `*` for any. See
                `cnbkit.version_range`.
            scheme: "semver", or "pep440" for `>=3.11,<3.13` as Python's packages write it.
            where: the file or variable that the range is from.

        Raises:
            UserFault: the range is none, or there is no such version.
        """
        try:
            fitting = VersionRange(wanted, scheme)
        except ValueError as error:
            raise UserFault(
                f"{self._id}: {error}",
                where=where or None,
                remedy="write a range like 20.*" if scheme == "semver" else "write it like >=3.11",
            ) from None
        newest = self._sorted(scheme)
        found = [each for each in newest if each.version in fitting]
        if not found:
            versions = ", ".join(dict.fromkeys(each.version for each in reversed(newest)))
            raise UserFault(
                f"there is no {self._id} {wanted}{self._why}",
                where=where or None,
                remedy=f"choose one of {versions}" if versions else "choose another target",
            )
        self._tell_end(found[-1])
        return found[-1]

    def _sorted(self, scheme: Scheme) -> list[Dependency]:
        try:
            return sorted(self._allowed, key=lambda each: version_key(each.version, scheme))
        except ValueError as error:
            raise BuildpackFault(
                f"{self._id}: {error}",
                where=self._where,
                remedy=f"correct it in [[metadata.dependencies]]: versions are read as {scheme}",
            ) from None

    def _tell_end(self, chosen: Dependency) -> None:
        end = chosen.end_of_life
        if not end:
            return
        from datetime import date

        try:
            left = (date.fromisoformat(end) - date.fromisoformat(self._today)).days
        except ValueError:
            return
        what = f"{self._id} {chosen.version}"
        if left < 0:
            self._log.warning(f"{what} gets no more fixes since {end}: choose a newer version")
        elif left <= _SOON:
            self._log.warning(f"{what} gets no more fixes from {end}: choose a newer version soon")

"""`no-binary` and `only-binary` where a lock names the files, so that nothing is resolved."""

from __future__ import annotations

from typing import Any

from cnbkit import UserFault
from cnbkit_python_inputs.package import Package
from cnbkit_python_inputs.requirements import normalised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_indexes.sources import Sources

__all__ = ["Formats"]

_ALL = ":all:"


class Formats:
    """What may be installed from wheels, and what from sources, as pip reads these options.

    A name goes before `:all:`. Folders, repositories and files named by an address are no
    affair of theirs.

    Args:
        sources: say it.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._no_binary = self._names("no-binary")
        self._only_binary = self._names("only-binary")

    def narrowed(self, document: dict[str, Any]) -> dict[str, Any]:
        """A lock without the wheels that are not to be taken, where there is a source instead."""
        if not self._no_binary:
            return document
        entries = [
            {key: value for key, value in each.items() if key != "wheels"}
            if "sdist" in each and self._asks_for_source(normalised(each["name"]))
            else each
            for each in document["packages"]
        ]
        return {**document, "packages": entries}

    def check(self, packages: list[Package], where: str) -> None:
        """See that each file that was chosen may be taken.

        Args:
            packages: each with the one file it is installed from.
            where: what errors call the lock.

        Raises:
            UserFault: naming all that may not.
        """
        found = [text for each in packages if (text := self._fault(each))]
        if found:
            option = "only-binary" if "no wheel" in found[0] else "no-binary"
            raise UserFault(
                found[0] if len(found) == 1 else f"{len(found)} packages are not to be had so",
                where=f"{where}, {self._sources.origin_of_option(option)}",
                remedy=f"leave them out of {option}, or lock versions that have such a file",
                detail="\n".join(found) if len(found) > 1 else None,
            )

    def _fault(self, package: Package) -> str:
        label = f"{package.name} {package.version}"
        if "sdist" in package.entry and self._asks_for_wheel(package.name):
            return f"{label} has no wheel for this image, and only-binary forbids its source"
        if package.entry.get("wheels") and self._asks_for_source(package.name):
            return f"{label} has no source, and no-binary forbids its wheels"
        return ""

    def _asks_for_source(self, name: str) -> bool:
        if name in self._no_binary or name in self._only_binary:
            return name in self._no_binary
        return _ALL in self._no_binary

    def _asks_for_wheel(self, name: str) -> bool:
        if name in self._no_binary or name in self._only_binary:
            return name not in self._no_binary
        return _ALL in self._only_binary

    def _names(self, option: str) -> set[str]:
        found: set[str] = set()
        for word in ",".join(self._sources.values(option)).split(","):
            name = word.strip()
            found = (
                set() if name == ":none:" else found | {name if name == _ALL else normalised(name)}
            )
        return found - {""}

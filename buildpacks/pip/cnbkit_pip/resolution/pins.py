"""Locks that name files by their hashes only.

poetry.lock, Pipfile.lock and pdm.lock know name, version and hashes of each file, not its
address. The index is asked for these once; a file with another hash is never taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnbkit import UserFault
from cnbkit_python_inputs.package import Package
from cnbkit_python_inputs.requirements import normalised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_logins.address import Login

__all__ = ["Pins", "lacks_address", "pinned", "with_files", "without_addresses"]


class Pins:
    """Packages of one index, each at one version.

    Attributes:
        index: its address; empty for the default one.
    """

    def __init__(self, index: str, entries: list[dict[str, Any]], name: str = "") -> None:
        self.index = index
        self.files: dict[str, str] = {}
        self.as_read: dict[str, str] = {}
        self.logins: dict[str, Login] = {}
        self._entries = entries
        self._name = name

    @classmethod
    def named(cls, name: str) -> Pins:
        """None at all, to say in errors which lock they are from."""
        return cls("", [], name)

    def requirements(self, settings: Sequence[tuple[str, str]] = ()) -> str:
        """One `name==version --hash=…` a line.

        Args:
            settings: name of a package and `key=value` for its build back end; pip reads them.
        """
        lines = []
        for entry in self._entries:
            hashes = "".join(f" --hash={each}" for each in sorted(_hashes(entry)))
            name = normalised(entry["name"])
            more = "".join(f' --config-settings="{each}"' for own, each in settings if own == name)
            lines.append(f"{entry['name']}=={entry['version']}{hashes}{more}\n")
        return "".join(lines)

    def declared_lines(self) -> list[str]:
        """None."""
        return []

    def arguments(self) -> list[str]:
        """Nothing to compile."""
        return []

    def allowed_hashes(self) -> dict[str, set[str]]:
        """They are checked by `with_files`."""
        return {}

    @property
    def all_hashed(self) -> bool:
        """The lock has its own rules."""
        return False

    def where_place(self, place: str) -> str:
        """The lock."""
        return self.where(place)

    def where(self, name: str) -> str:
        """The lock."""
        return f"{self._name} ({name})" if name else self._name


def lacks_address(entry: dict[str, Any]) -> bool:
    """Whether a package's files are known by their hashes only."""
    if any(kind in entry for kind in ("vcs", "directory", "archive")):
        return False
    files = _files(entry)
    return not files or any("url" not in each and "path" not in each for each in files)


def pinned(document: dict[str, Any]) -> list[Pins]:
    """The packages of a lock whose files have no address, by index."""
    by_index: dict[str, list[dict[str, Any]]] = {}
    for entry in document["packages"]:
        if lacks_address(entry):
            by_index.setdefault(str(entry.get("index", "")), []).append(entry)
    return [Pins(index, entries) for index, entries in sorted(by_index.items())]


def with_files(
    document: dict[str, Any], found: dict[str, dict[str, Any]], where: str
) -> dict[str, Any]:
    """The lock with files from an index, as far as it allows them.

    Raises:
        UserFault: none of a package's files has an allowed hash.
    """
    entries = []
    for entry in document["packages"]:
        if not lacks_address(entry):
            entries.append(entry)
            continue
        package = Package(found.get(normalised(entry["name"]), {"name": entry["name"]}))
        allowed = _hashes(entry)
        if allowed:
            package = package.restricted_to(allowed)
        if not package.artifacts():
            raise UserFault(
                f"no file of {entry['name']} {entry['version']} in the index has a hash that "
                f"{where} allows",
                where=where,
                remedy="lock again if the new files are wanted; if nothing was changed on "
                "purpose, the index may have been tampered with",
            )
        entries.append({**package.entry, **{k: entry[k] for k in ("marker",) if k in entry}})
    return {**document, "packages": entries}


def without_addresses(document: dict[str, Any]) -> dict[str, Any]:
    """The lock without the addresses of files that are from no index in particular."""

    def bare(file: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in file.items() if name != "url"}

    entries = []
    for entry in document["packages"]:
        result = dict(entry)
        if "index" not in entry and _hashes(entry):
            if "wheels" in entry:
                result["wheels"] = [bare(each) for each in entry["wheels"]]
            if "sdist" in entry:
                result["sdist"] = bare(entry["sdist"])
        entries.append(result)
    return {**document, "packages": entries}


def _files(entry: dict[str, Any]) -> list[dict[str, Any]]:
    return [*entry.get("wheels", []), *([entry["sdist"]] if "sdist" in entry else [])]


def _hashes(entry: dict[str, Any]) -> set[str]:
    """All of its files' hashes that pip and uv can check, `sha256:…` and so on."""
    return {
        f"{kind}:{digest}"
        for file in _files(entry)
        for kind, digest in file.get("hashes", {}).items()
        if kind in ("sha256", "sha384", "sha512")
    }

"""What installed packages say of themselves: needs that are not met, folders that are shared."""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cnbkit_python_inputs.target import TargetEnvironment

__all__ = ["Installed", "Record", "conflicts", "entangled"]

# Namespace packages of the old kind: one `__init__.py` for all parts, which looks for the others.
_NAMESPACE = ("extend_path", "declare_namespace")


class Installed:
    """An installed package, as its metadata has it.

    Attributes:
        name: normalised.
        version: as installed.
        requires: requirements (PEP 508).
        packages: import packages that are its own, as paths below site-packages.
        folders: all folders it has files in, likewise.
        directory: the site-packages folder it is in.
    """

    def __init__(
        self,
        name: str,
        version: str,
        requires: list[str],
        packages: list[str],
        folders: list[str],
        directory: str = "",
    ) -> None:
        self.name = name
        self.version = version
        self.requires = requires
        self.packages = packages
        self.folders = folders
        self.directory = directory

    @classmethod
    def read(cls, site_packages: str) -> list[Installed]:
        """All that is installed in a folder; sorted by name."""
        from cnbkit_pip.layers.metadata import read_metadata, read_record
        from cnbkit_python_inputs.requirements import normalised

        names = os.listdir(site_packages) if os.path.isdir(site_packages) else []
        found = []
        for name in sorted(each for each in names if each.endswith(".dist-info")):
            metadata = read_metadata(f"{site_packages}/{name}")
            files = read_record(f"{site_packages}/{name}")
            inside = [file for file in files if "/" in file and not file.startswith("..")]
            folders = {os.path.dirname(file) for file in inside}
            # Compiled code finds what it needs by its own place, also where Python would not.
            native = any(".so" in os.path.basename(file) for file in inside)
            own = {
                os.path.dirname(file)
                for file in inside
                if file.endswith("/__init__.py")
                and (native or not _is_namespace(f"{site_packages}/{file}"))
            }
            found.append(
                cls(
                    normalised(metadata["Name"] or name.partition("-")[0]),
                    metadata["Version"] or "",
                    metadata.get_all("Requires-Dist") or [],
                    sorted(own),
                    sorted(each for each in folders if not each.endswith(".dist-info")),
                    site_packages,
                )
            )
        return found


def _is_namespace(path: str) -> bool:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read(4096)
    except OSError:
        return False
    return any(word in text for word in _NAMESPACE)


def entangled(installed: list[Installed]) -> list[set[str]]:
    """Packages that put files into each other's import packages.

    Python looks for an import package in one folder only, and a compiled one for its libraries
    beside itself: such have to share a layer.
    """
    owner = {folder: each.name for each in installed for folder in each.packages}
    groups: list[set[str]] = []
    for each in installed:
        for folder in each.folders:
            above = _nearest(folder, owner)
            if above and owner[above] != each.name:
                _join(groups, {each.name, owner[above]})
    return groups


def _nearest(folder: str, owner: dict[str, str]) -> str:
    while folder and folder not in owner:
        folder = folder.rpartition("/")[0]
    return folder


def _join(groups: list[set[str]], pair: set[str]) -> None:
    touched = [group for group in groups if group & pair]
    for group in touched:
        groups.remove(group)
    groups.append(pair.union(*touched))


def conflicts(
    installed: list[Installed], target: TargetEnvironment, beside: list[Installed]
) -> list[str]:
    """What requirements of packages are not met by the others, one line each.

    Args:
        installed: the packages.
        target: what they are installed for.
        beside: packages of the interpreter itself that are seen where none of these is. Theirs
            count only for what one of these replaces.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    from cnbkit_python_inputs.requirements import normalised

    versions = {each.name: each.version for each in (*beside, *installed)}
    own = {each.name for each in installed}
    found = []
    for each in (*installed, *(other for other in beside if other.name not in own)):
        for text in each.requires:
            try:
                requirement = Requirement(text)
            except InvalidRequirement:
                continue
            marker = requirement.marker
            environment: Any = {**target.markers, "extra": ""}
            if marker and not marker.evaluate(environment):
                continue
            has = versions.get(normalised(requirement.name))
            if each.name not in own and normalised(requirement.name) not in own:
                continue
            if has is None:
                found.append(f"{each.name} {each.version} needs {requirement}, which is not there")
            elif requirement.specifier and not requirement.specifier.contains(has, True):
                name = requirement.name
                wanted = f"{name}{requirement.specifier}"
                found.append(
                    f"{each.name} {each.version} needs {wanted}, but {name} {has} is there"
                )
    return found


class Record:
    """What is known of the packages of re-used layers, kept in the lock's layer.

    Args:
        path: of the file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self.packages: dict[str, Installed] = {}
        try:
            with open(path, encoding="utf-8") as file:
                entries = json.load(file)
            self.packages = {each["name"]: Installed(**each) for each in entries}
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            # Not there, or written by another version: what is installed now is known anyway.
            return

    def update(self, names: list[str], folders: list[str]) -> None:
        """Add what was installed into folders, and forget all but the named packages."""
        for folder in folders:
            self.packages.update({each.name: each for each in Installed.read(folder)})
        self.packages = {n: each for n, each in sorted(self.packages.items()) if n in names}
        with open(self._path, "w", encoding="utf-8") as file:
            json.dump([vars(each) for each in self.packages.values()], file)

    def lines(self) -> list[str]:
        """Name, version and folder of each, for a layer's metadata."""
        return [f"{p.name} {p.version} {p.directory}" for p in self.packages.values()]

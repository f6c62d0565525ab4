"""What is known of the files of each layer: what they need, and where they look for it."""

from __future__ import annotations

import json
import os
from glob import glob
from typing import Any

from cnbkit_elf_files import MACHINES, read_elf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ElfFile", "Facts"]

_FORMAT = 2
# Names of environment files that add to where the loader looks.
_ENV = ("env/LD_LIBRARY_PATH*", "env.launch/LD_LIBRARY_PATH*", "env.launch/*/LD_LIBRARY_PATH*")


class ElfFile:
    """One shared library or program.

    Attributes:
        path: where it is.
        needed: names it is linked with (DT_NEEDED).
        search: where it has the loader look (DT_RPATH, DT_RUNPATH); `$ORIGIN` is resolved.
        soname: its own name; may be empty.
        owner: the Python package it is of; may be empty.
        module: the Python module whose import loads it, if that is known without the file.
    """

    __slots__ = ("module", "needed", "owner", "path", "search", "soname")

    def __init__(
        self, path: str, needed: list[str], search: list[str], soname: str, owner: str
    ) -> None:
        self.path = path
        self.needed = needed
        self.search = search
        self.soname = soname
        self.owner = owner
        self.module = ""


class Facts:
    """All layers' files.

    Attributes:
        layers: by a layer's directory, what is known; see `_look`.
        unknown: directories of layers of which nothing is known.
    """

    def __init__(self, layers: dict[str, dict[str, Any]], unknown: list[str]) -> None:
        self.layers = layers
        self.unknown = unknown

    @classmethod
    def update(cls, remembered: Sequence[bytes], layers: dict[str, str], arch: str) -> Facts:
        """Look at layers that are here and new; take the others from memory.

        Args:
            remembered: what `save` wrote at earlier builds, the last one first; each may be empty.
            layers: directory and digest of each.
            arch: what the image is for; files for another are none of its own.
        """
        tables = [_layers_of(each) for each in remembered]
        known: dict[str, dict[str, Any]] = {}
        unknown = []
        for directory, digest in layers.items():
            before = (table.get(directory, {}) for table in tables)
            same = next((each for each in before if each.get("digest") == digest), None)
            if same:
                known[directory] = same
            elif os.path.isdir(directory):
                known[directory] = {"digest": digest, **_look(directory, MACHINES[arch])}
            else:
                unknown.append(directory)
        return cls(known, unknown)

    def save(self, path: str) -> None:
        """Write it for the next build."""
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"format": _FORMAT, "layers": self.layers}, file, sort_keys=True)

    @property
    def files(self) -> list[ElfFile]:
        """All shared libraries and programs."""
        return [ElfFile(*each) for layer in self.layers.values() for each in layer["files"]]

    @property
    def names(self) -> set[str]:
        """Paths of all of them, and of links to them."""
        return {path for layer in self.layers.values() for path in layer["names"]}

    @property
    def loader_path(self) -> list[str]:
        """Where the loader looks because an environment says so."""
        return [path for layer in self.layers.values() for path in layer["loader-path"]]

    def optional(self, path: str) -> bool | None:
        """What is remembered of a file's being optional; None if nothing is."""
        layer = self._layer_of(path)
        known = layer.get("optional", {}).get(path) if layer else None
        return known if isinstance(known, bool) else None

    def remember_optional(self, path: str, *, optional: bool) -> None:
        """Remember it: at the next build the code that says it may not be here."""
        layer = self._layer_of(path)
        if layer is not None:
            layer.setdefault("optional", {})[path] = optional

    def _layer_of(self, path: str) -> dict[str, Any] | None:
        return next(
            (facts for folder, facts in self.layers.items() if path.startswith(f"{folder}/")), None
        )

    @property
    def count(self) -> int:
        """How many files there are."""
        return sum(len(layer["files"]) for layer in self.layers.values())


def _layers_of(remembered: bytes) -> dict[str, dict[str, Any]]:
    try:
        table = json.loads(remembered or b"{}")
    except ValueError:
        return {}
    return table.get("layers", {}) if table.get("format") == _FORMAT else {}


def _look(layer: str, machine: int) -> dict[str, Any]:
    files = []
    names = []
    owners: dict[str, str] = {}
    for directory, folders, entries in os.walk(layer):
        folders.sort()
        for folder in folders:
            if folder.endswith(".dist-info"):
                owners.update(_owned(f"{directory}/{folder}", directory))
        for entry in sorted(entries):
            path = f"{directory}/{entry}"
            shared = ".so" in entry
            if os.path.islink(path):
                if shared:
                    names.append(path)
            elif shared or os.stat(path).st_mode & 0o111:
                found = _read(path, machine)
                if found:
                    names.append(path)
                    files.append([path, *found])
    loader_path = [f"{layer}/lib"] if os.path.isdir(f"{layer}/lib") else []
    for pattern in _ENV:
        for path in sorted(glob(f"{layer}/{pattern}")):
            if not path.endswith(".delim"):
                with open(path, encoding="utf-8", errors="replace") as file:
                    loader_path += [each for each in file.read().strip().split(":") if each]
    return {
        "files": [[*each, owners.get(each[0], "")] for each in files],
        "names": names,
        "loader-path": loader_path,
    }


def _owned(dist_info: str, site_packages: str) -> dict[str, str]:
    """The binary files of a Python package, by its own record."""
    name = os.path.basename(dist_info).partition("-")[0].replace("_", "-").lower()
    try:
        with open(f"{dist_info}/RECORD", encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (FileNotFoundError, UnicodeDecodeError):
        return {}
    binary = (line for line in lines if ".so" in line or "/bin/" in line)
    paths = (line.partition(",")[0].strip('"') for line in binary)
    return {os.path.normpath(f"{site_packages}/{path}"): name for path in paths}


def _read(path: str, machine: int) -> list[Any] | None:
    """What it needs, where it looks, its name; nothing if it is not a file for this machine."""
    found = read_elf(path, machine)
    if found is None:
        return None
    origin = os.path.dirname(path)
    places = [
        os.path.normpath(each.replace("${ORIGIN}", origin).replace("$ORIGIN", origin))
        for each in found.search
    ]
    return [found.needed, places, found.soname]

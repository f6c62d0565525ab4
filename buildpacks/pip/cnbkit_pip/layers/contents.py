"""What the packages of a layer have below their prefix, as far as the environment repeats it."""

from __future__ import annotations

import json
import os

from cnbkit_elf_files import MACHINES, read_elf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PREFIX", "Contents", "Seeks", "Shelf", "parents", "site_packages"]

PREFIX = "prefix"
"""The folder of a layer that has the shape of an environment: `bin`, `lib`, `share`, …

Packages find each other's files and their own by `..`, so nothing is moved in it. It is no
layer's root: under its name `lib` every layer would land on LD_LIBRARY_PATH.
"""

# Every interpreter that lies in an environment looks for its pyvenv.cfg by where it is started.
_EMBEDS = b"Py_Initialize"


class Seeks:
    """What a library or program needs, and where it looks.

    Attributes:
        needed: names of libraries.
        places: folders below the prefix, by its `$ORIGIN`.
        outward: whether one of them is a folder that other layers may fill.
    """

    __slots__ = ("needed", "outward", "places")

    def __init__(self, needed: list[str], places: list[str], outward: bool) -> None:
        self.needed = needed
        self.places = places
        self.outward = outward


class Contents:
    """The files of a layer; all paths are below its prefix.

    Attributes:
        outside: files that are not in site-packages.
        shared: shared libraries in site-packages.
        seeks: of each ELF file that looks in places of its own.
        listing: entries of the folders that hold a file which looks outward.
        embedding: programs in `bin` that have an interpreter in themselves.
    """

    def __init__(
        self,
        outside: list[str],
        shared: list[str],
        seeks: dict[str, Seeks],
        listing: dict[str, list[str]],
        embedding: list[str],
    ) -> None:
        self.outside = outside
        self.shared = shared
        self.seeks = seeks
        self.listing = listing
        self.embedding = embedding

    @classmethod
    def read(cls, prefix: str, site: str, arch: str) -> Contents:
        """Look at a layer.

        Args:
            prefix: the folder with `lib` and the others in it.
            site: site-packages, below it.
            arch: what the image is for.
        """
        outside, shared = [], []
        found: dict[str, tuple[list[str], list[str]]] = {}
        folders = set()
        embedding = []
        for path in _files(prefix):
            folder, _, name = path.rpartition("/")
            folders.add(folder)
            inside = path.startswith(f"{site}/")
            library = ".so" in name
            if not inside:
                outside.append(path)
            elif library:
                shared.append(path)
            full = f"{prefix}/{path}"
            program = not inside and bool(os.lstat(full).st_mode & 0o111)
            if os.path.islink(full) or not (library or program):
                continue
            dynamic = read_elf(full, MACHINES[arch])
            if dynamic is None:
                continue
            if folder == "bin" and _embeds(full):
                embedding.append(path)
            places = [each for text in dynamic.search for each in _below(text, folder)]
            if places and dynamic.needed:
                found[path] = (dynamic.needed, places)
        seeks = {}
        listing: dict[str, list[str]] = {}
        for path, (needed, places) in found.items():
            outward = any(
                place not in folders or not place.startswith(f"{site}/") for place in places
            )
            seeks[path] = Seeks(needed, places, outward)
            if outward and path.startswith(f"{site}/"):
                for above in parents(path):
                    if above.startswith(f"{site}/") and above not in listing:
                        listing[above] = sorted(os.listdir(f"{prefix}/{above}"))
        return cls(outside, shared, seeks, listing, embedding)


def _files(prefix: str) -> Iterator[str]:
    """Paths of all files below, links included, in a fixed order."""
    for folder, folders, names in os.walk(prefix):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        if folder == prefix:
            folders[:] = [name for name in folders if name != "lib64"]  # a link to `lib`
        links = [name for name in folders if os.path.islink(f"{folder}/{name}")]
        for name in sorted([*names, *links]):
            yield os.path.relpath(f"{folder}/{name}", prefix)


def parents(path: str) -> list[str]:
    """The folders above a relative path, the nearest first."""
    found = []
    while path := path.rpartition("/")[0]:
        found.append(path)
    return found


def _below(text: str, folder: str) -> list[str]:
    """A place of a file in a folder, if it is told by `$ORIGIN` and below the prefix."""
    for origin in ("$ORIGIN", "${ORIGIN}"):
        if text.startswith(origin):
            place = os.path.normpath(f"{folder}/.{text.removeprefix(origin)}")
            return [] if place.startswith("..") else [place]
    return []


def _embeds(path: str) -> bool:
    with open(path, "rb") as file:
        return _EMBEDS in file.read()


def site_packages(minor: str) -> str:
    """Where packages are, below a prefix."""
    return f"lib/python{minor}/site-packages"


class Shelf:
    """The contents of layers that are re-used and not there to look at.

    Args:
        path: of the file that keeps them from build to build.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._known: dict[str, tuple[str, Contents]] = {}
        try:
            with open(path, encoding="utf-8") as file:
                table = json.load(file)
            for name, (digest, fields) in table.items():
                seeks = {path: Seeks(**each) for path, each in fields.pop("seeks").items()}
                self._known[name] = (digest, Contents(seeks=seeks, **fields))
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            # Not there, or written by another version: such layers are made again.
            self._known = {}

    def get(self, name: str, digest: str) -> Contents | None:
        """What a layer with this key had, if that is known."""
        known, contents = self._known.get(name, ("", None))
        return contents if known == digest else None

    def put(self, found: dict[str, tuple[str, Contents]]) -> None:
        """Keep these and no others: digest of the key and contents, by the name of the layer."""
        self._known = found
        table = {
            name: (digest, {**vars(contents), "seeks": _plain(contents.seeks)})
            for name, (digest, contents) in found.items()
        }
        with open(self._path, "w", encoding="utf-8") as file:
            json.dump(table, file)


def _plain(seeks: dict[str, Seeks]) -> dict[str, object]:
    return {
        path: {"needed": each.needed, "places": each.places, "outward": each.outward}
        for path, each in seeks.items()
    }

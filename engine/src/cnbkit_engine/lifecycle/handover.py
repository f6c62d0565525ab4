"""What one phase of a build leaves for the next, carried by the engine.

The phases talk by files in `/layers`. Buildpacks, and all that they run, can write there; so the
engine reads each document when the program that made it has ended, and gives every later phase
its own copy. The exporter, which holds credentials, gets a folder made anew, into which only what
a build has to leave is moved: nothing else there could choose the image it stands on, the image
it takes layers from, or the files it reads.
"""

from __future__ import annotations

import os
import stat
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnbkit.errors import BuildpackFault, PlatformFault
from cnbkit_engine.state.beneath import Folder, Unfit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = [
    "Member",
    "check_cache",
    "document",
    "extensions_of",
    "hand_over",
    "hand_over_bills",
    "members",
    "take_over",
]

_NAME = 256  # bytes; no file has a longer one
_LIMIT = 64 << 20  # bytes; analyzed.toml holds the metadata of all layers
_BILLS = "sbom"
_DEEPEST = 8  # folders below one of the lifecycle's own


@dataclass(frozen=True)
class Member:
    """A buildpack that takes part in a build."""

    id: str
    version: str

    @property
    def folder(self) -> str:
        """Its folder's name, among the buildpacks and among the layers."""
        return self.id.replace("/", "_")


def document(layers: Path, name: str) -> bytes:
    """A document that a phase has just written.

    Args:
        layers: what was `/layers` for the phase, which has ended.
        name: of the file.

    Raises:
        BuildpackFault: something else is in its place.
        PlatformFault: it cannot be read.
    """
    with Folder(layers) as folder:
        try:
            return folder.read(name, _LIMIT)
        except Unfit as unfit:
            raise _left(name, unfit.what) from None
        except OSError as error:
            raise PlatformFault(
                f"the lifecycle left no {name}",
                where=str(layers),
                remedy="build again with --verbose to see what it says",
                detail=str(error),
            ) from None


def hand_over(layers: Path, documents: Mapping[str, bytes]) -> None:
    """Put documents where a phase looks for them, in place of whatever is there."""
    with Folder(layers) as folder:
        for name, data in documents.items():
            folder.write(name, data)


def hand_over_bills(analyzed: Path, layers: Path) -> None:
    """Give the restorer the bills of materials that the analyzer has taken from the last image.

    Args:
        analyzed: what was the analyzer's `/layers`.
        layers: the restorer's, still empty of them.
    """
    with Folder(analyzed) as source, Folder(layers) as target:
        if source.is_folder(_BILLS):
            source.move(_BILLS, target, _BILLS)


def members(group: bytes, buildpacks: Path) -> list[Member]:
    """The buildpacks of a group.toml.

    Code that ran in the detector could have changed the file before it was read, so that only
    buildpacks of the builder are accepted.

    Args:
        group: its contents.
        buildpacks: the builder's buildpacks, as `/cnb/buildpacks`.

    Raises:
        BuildpackFault: it names another.
    """
    return _members(group, "group", buildpacks, "a buildpack")


def extensions_of(group: bytes, extensions: Path) -> list[str]:
    """The image extensions of a group.toml; likewise.

    Args:
        group: its contents.
        extensions: the builder's, as `/cnb/extensions`.

    Raises:
        BuildpackFault: it names another.
    """
    found = _members(group, "group-extensions", extensions, "an extension")
    return [member.id for member in found]


def _members(group: bytes, table: str, folder: Path, kind: str) -> list[Member]:
    try:
        document: dict[str, Any] = tomllib.loads(group.decode())
        found = [Member(entry["id"], entry["version"]) for entry in document.get(table, [])]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _left("group.toml", f"a file that the detector does not write: {error}") from None
    for member in found:
        if not _is_of(member, folder):
            raise _left("group.toml", f"{kind} the builder does not have: {member.id!r}")
    return found


def _is_of(member: Member, folder: Path) -> bool:
    if not isinstance(member.id, str) or not isinstance(member.version, str):
        return False
    plain = all(
        "/" not in text and text not in ("", ".", "..") and len(text.encode()) < _NAME
        for text in (member.folder, member.version)
    )
    return plain and (folder / member.folder / member.version).is_dir()


def take_over(
    built: Path, exported: Path, group: Sequence[Member], documents: Mapping[str, bytes]
) -> None:
    """Make the exporter's `/layers` of the builder's.

    What build code has left beside the buildpacks' folders stays behind: the lifecycle would take
    `extended` for layers, and `project-metadata.toml` for a label.

    Args:
        built: the builder's, in which nothing runs any more.
        exported: an empty folder on the same disk.
        group: the buildpacks.
        documents: the engine's own copies.

    Raises:
        BuildpackFault: where the exporter reads a file there is a link, a pipe or a device.
        OSError: the disk refuses.
    """
    with Folder(built) as source, Folder(exported) as target:
        for name in ("config", _BILLS, *(member.folder for member in group)):
            if source.is_folder(name):
                source.move(name, target, name)
            elif name in source.names():
                raise _left(name, source.kind(name))
        for place in _read_by_exporter(target, group):
            _check(target, place)
    hand_over(exported, documents)


def check_cache(cache: Path) -> None:
    """See that the lifecycle finds nothing but its own files in its cache folder.

    Raises:
        PlatformFault: there is a link, a pipe or a device.
    """
    with Folder(cache) as folder:
        for place in _tree(folder, ""):
            if not stat.S_ISREG(folder.status(place).st_mode):
                raise PlatformFault(
                    "the cache holds something that is not a file",
                    where=str(cache / place),
                    remedy="build once with --clear-cache",
                )


def _read_by_exporter(layers: Folder, group: Sequence[Member]) -> Iterator[str]:
    yield "config/metadata.toml"
    if layers.is_folder(_BILLS):
        yield from _tree(layers, _BILLS)
    for member in group:
        if not layers.is_folder(member.folder):
            continue
        with layers.folder(member.folder) as folder:
            for name in folder.names():
                if name.endswith(".toml") or ".sbom." in name:
                    yield f"{member.folder}/{name}"


def _tree(top: Folder, start: str) -> Iterator[str]:
    """All that is below a folder and is not a folder."""
    todo = [start]
    while todo:
        place = todo.pop()
        if place.count("/") > _DEEPEST:
            raise _left(place, "a folder nested deeper than the lifecycle nests any")
        names = top.names() if not place else _names(top, place)
        for name in names:
            child = f"{place}/{name}" if place else name
            if top.is_folder(child):
                todo.append(child)
            else:
                yield child


def _names(top: Folder, place: str) -> list[str]:
    with top.folder(place) as folder:
        return folder.names()


def _check(layers: Folder, place: str) -> None:
    try:
        os.close(layers.open_file(place))
    except Unfit as unfit:
        raise _left(place, unfit.what) from None
    except OSError as error:
        raise _left(place, f"nothing that can be read ({error.strerror})") from None


def _left(place: str, what: str) -> BuildpackFault:
    return BuildpackFault(
        f"the build left {what} where the lifecycle reads its own file",
        where=f"/layers/{place}",
        remedy="see which buildpack, or which code of the app that it runs, makes it;"
        " nothing was exported",
    )

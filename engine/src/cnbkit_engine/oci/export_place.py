"""Where an image may be exported to: a new place, an earlier export, or a stream.

Anything else that is there belongs to somebody, and is not replaced.
"""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import IO, Final

from cnbkit.errors import UserFault

__all__ = [
    "MARK",
    "check_archive_place",
    "check_layout_place",
    "is_stream",
    "stream_to",
    "writes_to_stdout",
]

MARK: Final = {"io.cnbkit.export": "1"}
"""Annotation of the index of every exported layout, by which a later export knows it."""

_DESCRIPTOR = re.compile(r"/dev/fd/(\d+)|/proc/self/fd/(\d+)")
_FIRST = {"manifest.json", "blobs", "oci-layout", "index.json"}
_LAYOUT_NAMES = {"oci-layout", "index.json", "blobs"}


def check_layout_place(directory: Path, own: Path) -> Path:
    """The folder to write, after links.

    Args:
        directory: as the person named it.
        own: a folder that is cnbkit's own.

    Raises:
        UserFault: something is there that no export wrote.
    """
    place = _outside(directory, own)
    if not place.exists():
        return place
    if not place.is_dir():
        raise _taken(directory, "it is not a folder", "name a new folder")
    names = {entry.name for entry in place.iterdir()}
    if names and not (names <= _LAYOUT_NAMES and _marked(place / "index.json")):
        raise _taken(
            directory,
            "it is not an image layout that `cnbkit build --output` wrote",
            "name a new folder, or remove it yourself",
        )
    return place


def check_archive_place(path: Path, own: Path) -> Path:
    """The file to write, after links; the arguments are those of `check_layout_place`.

    Raises:
        UserFault: something is there that no export wrote.
    """
    place = _outside(path, own)
    try:
        mode = place.stat().st_mode
    except FileNotFoundError:
        return place
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a device or socket"
        raise _taken(path, f"it is {kind}", "name a new file")
    if place.stat().st_size and _first_entry(place) not in _FIRST:
        raise _taken(path, "it is not an image's archive", "name a new file, or remove it yourself")
    return place


def is_stream(path: Path) -> bool:
    """Whether a path stands for a stream, as `stream_to` has it.

    Raises:
        UserFault: it is a terminal.
    """
    if (descriptor := _descriptor(path)) is not None:
        if os.isatty(descriptor):
            raise _taken(
                path, "it is a terminal", "send it to a file or a program: … | docker load"
            )
        return True
    try:
        status = path.stat()
    except OSError:
        return False
    is_null = stat.S_ISCHR(status.st_mode) and status.st_rdev == os.stat(os.devnull).st_rdev
    return stat.S_ISFIFO(status.st_mode) or is_null


def stream_to(path: Path) -> IO[bytes] | None:
    """The stream a path stands for; None if it is a file, or nothing yet.

    Raises:
        UserFault: it is a terminal.
        OSError: it cannot be opened.
    """
    if not is_stream(path):
        return None
    descriptor = _descriptor(path)
    return path.open("wb") if descriptor is None else os.fdopen(os.dup(descriptor), "wb")


def writes_to_stdout(path: Path) -> bool:
    """Whether an export to a path goes to standard output, where nothing else must be printed."""
    return _descriptor(path) == 1


def _descriptor(path: Path) -> int | None:
    text = os.fspath(path)
    if text in ("-", "/dev/stdout"):
        return 1
    if match := _DESCRIPTOR.fullmatch(text):
        return int(match[1] or match[2])
    return None


def _outside(path: Path, own: Path) -> Path:
    place = Path(os.path.realpath(path))
    kept = Path(os.path.realpath(own))
    if place == kept or place in kept.parents or kept in place.parents:
        raise _taken(path, f"cnbkit keeps its own files in {kept}", "name another place")
    return place


def _marked(index: Path) -> bool:
    try:
        return bool(json.loads(index.read_bytes())["annotations"].items() >= MARK.items())
    except (AttributeError, KeyError, OSError, TypeError, ValueError, RecursionError):
        return False


def _first_entry(path: Path) -> str:
    import tarfile

    try:
        with tarfile.open(path, "r:") as archive:
            entry = archive.next()
    except (tarfile.TarError, OSError, EOFError, ValueError):
        return ""
    return entry.name if entry else ""


def _taken(path: Path, why: str, remedy: str) -> UserFault:
    return UserFault(
        "the place to export to is taken", where=f"--output {path}", remedy=remedy, detail=why
    )

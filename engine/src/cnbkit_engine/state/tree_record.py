"""Whether a folder is still what was made: also after a power cut, without waiting for the disk.

To have thousands of files on the disk before they get their final name would take as long as the
disk has other work to do. Instead the names and sizes of the files are written down, and the boot
in which that was. What is in memory is as it was written; after another boot, and a power cut
always leads to one, the folder is compared once before it is used.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit_engine.state.disk import replace_file, sync_files

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["differs_from_record", "forget_record", "is_sound", "record_tree"]

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def record_tree(made: Path, final: Path) -> None:
    """Write down what a folder holds, beside the place it will have.

    Raises:
        OSError: the disk refuses.
    """
    if made.is_dir():
        replace_file(_record(final), json.dumps(dict(_files(made))).encode())
        _stamp(final)
    else:
        sync_files([made])


def is_sound(folder: Path) -> bool:
    """Whether a folder is as it was made, as far as a power cut could have changed it.

    Costs two small reads in the boot in which it was made or last compared.
    """
    try:
        if _boot_file(folder).read_bytes() == _BOOT.read_bytes():
            return True
    except OSError:
        return True  # an older cnbkit made it, or it is a file
    if differs_from_record(folder):
        return False
    with suppress(OSError):  # a folder that cannot be written is compared each time
        _stamp(folder)
    return True


def differs_from_record(folder: Path) -> str:
    """The first file that is missing or has another size; empty if none, or nothing is recorded."""
    try:
        known = json.loads(_record(folder).read_bytes())
    except (OSError, ValueError):
        return ""
    if not isinstance(known, dict):
        return ""
    now = dict(_files(folder))
    return next((name for name, size in known.items() if now.get(name) != size), "")


def forget_record(folder: Path) -> None:
    """Remove what is written down of a folder that is gone."""
    for path in (_record(folder), _boot_file(folder)):
        with suppress(OSError):
            path.unlink()


def _stamp(folder: Path) -> None:
    replace_file(_boot_file(folder), _BOOT.read_bytes())


def _record(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.files.json")


def _boot_file(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.boot")


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    """Regular files below a folder: path and size; links and what is in their places are not."""
    top = os.fspath(folder)
    for parent, _, names in os.walk(top):
        for name in names:
            path = os.path.join(parent, name)
            if os.path.isfile(path) and not os.path.islink(path):
                shown = os.path.relpath(path, top).encode(errors="backslashreplace").decode()
                yield shown, os.lstat(path).st_size

"""Whether something is still what was made, without waiting for the disk and at little cost.

To have thousands of files on the disk before they get their final name would take as long as the
disk has other work to do. Instead the names and sizes of the files are written down, the boot in
which that was, and when the uppermost folders were last changed. A power cut always leads to
another boot; who empties a folder, and is stopped midway, changes folders. After either all names
and sizes are compared once before it is used. What that does not notice, a file gone from deep
below, is looked for when a build has failed (`damaged`).
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit_engine.state.disk import replace_file, sync_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["damaged", "differs_from_record", "forget_record", "is_sound", "record_tree"]

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_MOST = 250  # folders looked at each time


def record_tree(made: Path, final: Path) -> None:
    """Write down what a folder or file holds, beside the place it will have.

    Raises:
        OSError: the disk refuses.
    """
    if not made.is_dir():
        sync_files([made])
    replace_file(_record(final), json.dumps(dict(_files(made))).encode())
    _stamp(final, made)


def is_sound(made: Path) -> bool:
    """Whether something is as it was made, as far as can be told by a few hundred folders.

    Costs two small reads and a millisecond as long as nothing has changed.
    """
    try:
        text = _stamp_file(made).read_bytes()
    except OSError:
        # An older cnbkit made it; an empty folder is what somebody has left of one.
        return not made.is_dir() or any(made.iterdir())
    try:
        stamp = json.loads(text)
        if stamp == _state(made, stamp["folders"]):
            return True
    except (OSError, ValueError, KeyError, TypeError):
        pass  # a folder is gone, or an older cnbkit's stamp
    if differs_from_record(made):
        return False
    with suppress(OSError):  # what cannot be written is compared each time
        _stamp(made, made)
    return True


def damaged(folders: Iterable[Path]) -> dict[Path, str]:
    """Those that are not as they were made, each with a file that is missing or torn.

    They are marked, so that whoever wants to use them next makes them anew.
    """
    found = {each: name for each in folders if (name := differs_from_record(each))}
    for each in found:
        with suppress(OSError):
            replace_file(_stamp_file(each), b"{}")
    return found


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


def forget_record(made: Path) -> None:
    """Remove what is written down of something that is gone."""
    for path in (_record(made), _stamp_file(made)):
        with suppress(OSError):
            path.unlink()


def _stamp(final: Path, made: Path) -> None:
    stamp = _state(made, _uppermost(made))
    replace_file(_stamp_file(final), json.dumps(stamp).encode())


def _record(made: Path) -> Path:
    return made.with_name(f".{made.name}.files.json")


def _stamp_file(made: Path) -> Path:
    return made.with_name(f".{made.name}.boot")


def _uppermost(top: Path) -> list[str]:
    """Folders below another, relative to it, the uppermost first."""
    found = [""] if top.is_dir() else []
    for parent in found:  # grows meanwhile
        with suppress(OSError), os.scandir(top / parent) as entries:
            names = sorted(each.name for each in entries if each.is_dir(follow_symlinks=False))
            # Some names are not text; their folders are not needed to notice what has happened.
            found += [os.path.join(parent, name) for name in names if name.isprintable()]
        if len(found) > _MOST:
            break
    return found[1 : _MOST + 1]


def _state(made: Path, folders: Iterable[str]) -> dict[str, object]:
    """The boot, the names in a folder, and when some of those below it were last changed.

    When the folder itself was changed says nothing: that is set to when it was used.

    Raises:
        OSError: one is gone.
    """
    start = f"{os.fspath(made)}/"
    return {
        "boot": _BOOT.read_text(encoding="ascii"),
        "names": sorted(os.listdir(made)) if os.path.isdir(made) else os.lstat(made).st_size,
        "folders": {name: os.lstat(start + name).st_mtime_ns for name in folders},
    }


def _files(made: Path) -> Iterator[tuple[str, int]]:
    """Regular files below a folder: path and size; links and what is in their places are not."""
    top = os.fspath(made)
    if not os.path.isdir(top):
        yield ".", os.lstat(top).st_size
    for parent, _, names in os.walk(top):
        for name in names:
            path = os.path.join(parent, name)
            if os.path.isfile(path) and not os.path.islink(path):
                shown = os.path.relpath(path, top).encode(errors="backslashreplace").decode()
                yield shown, os.lstat(path).st_size

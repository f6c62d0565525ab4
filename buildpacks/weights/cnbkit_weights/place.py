"""Targets: places in the app where links to the files in layers go."""

from __future__ import annotations

import hashlib
import os

from cnbkit import UserFault
from cnbkit_weights.index import Placed

__all__ = ["check_targets", "link"]

_REMEDY = (
    "take what is there out of the app, or give another target; "
    "a file with the right checksum may stay"
)
# git-lfs, docs/spec.md: a pointer is smaller than this, and begins so.
_POINTER = 1024
_POINTER_STARTS = b"version https://git-lfs"


def check_targets(root: str, file: str, files: list[Placed]) -> dict[str, str]:
    """Look at what is in the app where links are to be.

    Returns:
        Checksum → path of files that are there already.

    Raises:
        UserFault: something else is in the way; all of it, with the lines of `file`.
    """
    found = {}
    faults = []
    for each in files:
        try:
            _check_folder(root, each.target)
            if _is_there(f"{root}/{each.target}", each):
                found[each.sha256] = f"{root}/{each.target}"
        except ValueError as error:
            faults.append((each.line, str(error)))
    if faults:
        raise UserFault.of(file, faults, remedy=_REMEDY)
    return found


def _check_folder(root: str, target: str) -> None:
    path = root
    for step in target.split("/")[:-1]:
        path = f"{path}/{step}"
        if not os.path.lexists(path):
            return
        name = path[len(root) + 1 :]
        if not os.path.isdir(path):
            raise ValueError(f"{target}: {name} is a file of the app, not a folder")
        real = os.path.realpath(root)
        if os.path.islink(path) and not f"{os.path.realpath(path)}/".startswith(f"{real}/"):
            raise ValueError(f"{target}: the link {name} leads out of the app")


def _is_there(path: str, placed: Placed) -> bool:
    if os.path.isdir(path):
        raise ValueError(f"{placed.target} is a folder of the app")
    if not os.path.exists(path):  # nothing, or a link to nothing (DVC's cache, for one)
        return False
    if not os.path.isfile(path):
        raise ValueError(f"{placed.target} in the app is not a regular file")
    with open(path, "rb") as file:
        if os.path.getsize(path) < _POINTER:
            text = file.read()
            if text.startswith(_POINTER_STARTS):
                if f"oid sha256:{placed.sha256}".encode() in text:
                    return False
                raise ValueError(f"{placed.target} in the app is Git LFS's pointer to another file")
            found = hashlib.sha256(text).hexdigest()
        else:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != placed.sha256:
        raise ValueError(
            f"{placed.target} is in the app, too, as another file: its SHA-256 is {found}"
        )
    return True


def link(root: str, target: str, file: str) -> None:
    """Let a target lead to a file in a layer."""
    path = f"{root}/{target}"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.lexists(path):
        os.unlink(path)
    os.symlink(file, path)

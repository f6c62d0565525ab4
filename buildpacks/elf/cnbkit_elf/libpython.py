"""Python's own shared library, which the run image has not: Debian's `python3` does without.

What embeds Python is linked with it (uWSGI, mod_wsgi). Where nothing else is missing, the build
image's goes into the image: it is of the same release of Debian, and of the same Python.
"""

from __future__ import annotations

import os
import re

from cnbkit_elf_files import MACHINES, read_elf

__all__ = ["digest_of", "library_of"]

_NAME = re.compile(r"libpython3\.\d+\.so\.1\.0")
_FOLDERS = {"amd64": "usr/lib/x86_64-linux-gnu", "arm64": "usr/lib/aarch64-linux-gnu"}


def library_of(missing: list[str], base: list[str], system: str, arch: str) -> str:
    """Where the build image has Python's library, of those that are missing; empty if it has not.

    Args:
        missing: names of libraries.
        base: paths of the run image's libraries.
        system: where the build image's own files are.
        arch: what the image is for.
    """
    there = {os.path.basename(each) for each in base}
    for name in missing:
        path = f"{system}/{_FOLDERS[arch]}/{name}"
        if not _NAME.fullmatch(name) or not os.path.isfile(path):
            continue
        found = read_elf(path, MACHINES[arch])
        if found is not None and there.issuperset(found.needed):
            return path
    return ""


def digest_of(path: str) -> str:
    """Of a file."""
    import hashlib

    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

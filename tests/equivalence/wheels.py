"""Wheels made for a test, and the apps that need them."""

from __future__ import annotations

import base64
import hashlib
import io
import random
import subprocess
import zipfile
from typing import TYPE_CHECKING

from .harness import Case

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["HEAVY", "installing", "library", "wheel"]

INSTALL = (("uv", "pip", "install", "--quiet", "--python", "{venv}", "-r", "requirements.txt"),)
HEAVY = random.Random(0).randbytes(4_100_000)
"""A file that makes its package too heavy to share a layer with others."""


def wheel(name: str, files: Mapping[str, bytes | str], entry_points: str = "") -> dict[str, bytes]:
    """A wheel as a file of an app; `data/`, `scripts/` and `headers/` are its folders for these.

    Args:
        name: of the package; a module of that name with a function `main` becomes a program.
        files: contents by path.
        entry_points: the text of the file with them.
    """
    info = f"{name}-1.0.dist-info"
    kinds = ("data/", "scripts/", "headers/")
    members = {
        (f"{name}-1.0.data/{path}" if path.startswith(kinds) else path): (
            content.encode() if isinstance(content, str) else content
        )
        for path, content in files.items()
    }
    members[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode()
    members[f"{info}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    if "main" in str(files.get(f"{name}.py", "")):
        entry_points += f"[console_scripts]\n{name}={name}:main\n"
    if entry_points:
        members[f"{info}/entry_points.txt"] = entry_points.encode()
    lines = [f"{path},{_hash(data)},{len(data)}\n" for path, data in members.items()]
    members[f"{info}/RECORD"] = f"{''.join(lines)}{info}/RECORD,,\n".encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, data in members.items():
            entry = zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0))
            entry.external_attr = 0o100755 << 16 if data[:4] == b"\x7fELF" else 0o100644 << 16
            archive.writestr(entry, data)
    return {f"vendor/{name}-1.0-py3-none-any.whl": packed.getvalue()}


def _hash(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def library(folder: Path, name: str, *needed: str, places: str = "") -> bytes:
    """A shared library that needs others of the folder, and looks for them in places."""
    path = folder / name
    subprocess.run(
        [
            *("cc", "-shared", "-o", path, f"-Wl,-soname,{name}", "-Wl,--no-as-needed"),
            *(f"-Wl,-rpath,{places}", "-x", "c", "/dev/null", "-x", "none", f"-L{folder}"),
            *(f"-l:{each}" for each in needed),
        ],
        check=True,
    )
    return path.read_bytes()


def installing(wheels: Mapping[str, bytes], *lines: str) -> Case:
    """An app that needs these wheels, and what the lines say."""
    text = "".join(f"{line}\n" for line in (*lines, *(f"./{path}" for path in wheels)))
    return Case("", {"requirements.txt": text, **wheels}, INSTALL)

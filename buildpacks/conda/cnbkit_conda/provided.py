"""The Python packages of an environment, for pip to take for installed already.

For each of them an empty wheel with its name, version and requirements is made. What resolves
pip's part finds these beside the index, prefers them, and takes another version only where a
requirement asks for one, as pip does in an environment that is there.
"""

from __future__ import annotations

import os
import re
import zipfile
from email.parser import HeaderParser

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

__all__ = ["LIST", "describe_installed"]

# `name version` a line, beside the wheels.
LIST = "packages"
# A name is part of a path, like a version; others are not packages that pip could ask for.
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?")
_LONGEST = 100
_METADATA = {".dist-info": "METADATA", ".egg-info": "PKG-INFO"}
_KEPT = ("Requires-Python", "Provides-Extra", "Requires-Dist")
# The least wanted of all tags that fit: where an index has a wheel of the same version, as for
# building something with it, that one is taken.
_TAG = "py30-none-any"
_WHEEL = f"Wheel-Version: 1.0\nGenerator: cnbkit\nRoot-Is-Purelib: true\nTag: {_TAG}\n"
_TIME = (1980, 1, 1, 0, 0, 0)


def describe_installed(site_packages: str, folder: str) -> dict[str, str]:
    """Write wheels and list for what is installed.

    Args:
        site_packages: the environment's.
        folder: gets the files; is made.

    Returns:
        Versions by name.
    """
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):
        os.unlink(f"{folder}/{name}")
    found: dict[str, str] = {}
    for entry in sorted(os.listdir(site_packages)):
        kind = next((each for each in _METADATA if entry.endswith(each)), "")
        path = f"{site_packages}/{entry}"
        text = _text(f"{path}/{_METADATA[kind]}" if os.path.isdir(path) else path) if kind else ""
        headers = HeaderParser().parsestr(text)
        name, version = canonicalize_name(headers["Name"] or ""), headers["Version"] or ""
        try:
            parsed = str(Version(version))
        except InvalidVersion:
            continue
        if not _NAME.fullmatch(name) or len(parsed) > _LONGEST or name in found:
            continue
        found[str(name)] = parsed
        lines = [f"{key}: {value}" for key in _KEPT for value in headers.get_all(key) or ()]
        _write(folder, str(name), parsed, lines)
    with open(f"{folder}/{LIST}", "w", encoding="utf-8") as file:
        file.write("".join(f"{name} {version}\n" for name, version in sorted(found.items())))
    return found


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _write(folder: str, name: str, version: str, lines: list[str]) -> None:
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    metadata = "\n".join(
        ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines, ""]
    )
    files = {"METADATA": metadata, "WHEEL": _WHEEL, "RECORD": ""}
    with zipfile.ZipFile(f"{folder}/{stem}-{_TAG}.whl", "w") as wheel:
        for file, text in files.items():
            wheel.writestr(zipfile.ZipInfo(f"{info}/{file}", _TIME), text)

"""What lies below the prefix of a plain environment, looked for below the prefix of ours."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Prefix", "differences"]

# Each installer notes in its own way who installed, and from where; what `venv` itself writes.
_NOTES = ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json", "uv_build.json")
_OF_VENV = (
    *(".lock", ".gitignore", "pyvenv.cfg", "lib64"),  # .gitignore: since Python 3.13
    *("bin/activate", "bin/Activate.ps1", "bin/python"),
)
_LOADED = """
import ctypes, json, os, sys
failed = {}
for path in json.load(sys.stdin):
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            ctypes.CDLL(path)
        except OSError as error:
            os.write(write, str(error).encode())
        os._exit(0)
    os.close(write)
    told = os.fdopen(read, "rb").read().decode()
    if os.waitpid(child, 0)[1]:
        told = "crashed"
    if told:
        failed[path] = told
print(json.dumps(failed))
"""
_ENTRY_POINTS = """
import importlib.metadata, json
found = [each for one in importlib.metadata.distributions() for each in one.entry_points]
print(json.dumps([[each.group, each.name, each.value] for each in found]))
"""
_PATHS = """
import json, os, sys, sysconfig
site = os.path.relpath(sysconfig.get_path("purelib"), sys.prefix)
print(json.dumps([sys.prefix, site, sys.path]))
"""


class Prefix:
    """An environment.

    Attributes:
        root: its `sys.prefix`, as its interpreter says.
        site: site-packages, below it.
    """

    def __init__(self, python: Path) -> None:
        self._python = python
        self.root, self.site, self._path = json.loads(self.run("-c", _PATHS))

    def run(self, *arguments: str, given: str = "") -> str:
        """What its interpreter prints."""
        done = subprocess.run(
            [self._python, *arguments],
            cwd=self._python.parent,
            input=given,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def files(self) -> Iterator[str]:
        """Paths of its files but bytecode and what `venv` makes."""
        for folder, folders, names in os.walk(self.root):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            for name in sorted(names):
                path = os.path.relpath(f"{folder}/{name}", self.root)
                if not path.startswith(_OF_VENV) and name not in _NOTES:
                    yield path

    def find(self, path: str) -> str | None:
        """Where a file is; one of site-packages as imports find it."""
        places = [f"{self.root}/{path}"]
        if path.startswith(f"{self.site}/"):
            below = path.removeprefix(f"{self.site}/")
            places = [f"{place}/{below}" for place in self._path]
        return next((place for place in places if Path(place).exists()), None)

    def content(self, path: str) -> bytes | None:
        """What is in a file, its own place left out; nothing if it is not there."""
        place = self.find(path)
        if place is None:
            return None
        return Path(place).read_bytes().replace(self.root.encode(), b"{prefix}")

    def executable(self, path: str) -> bool:
        """Whether a file that is there may be run."""
        return os.access(self.find(path) or "", os.X_OK)

    def not_loading(self, paths: list[str]) -> dict[str, str]:
        """Libraries that the loader refuses, each in a process of its own, and what it says."""
        found = {self.find(path) or path: path for path in paths}
        told = json.loads(self.run("-c", _LOADED, given=json.dumps([*found])))
        return {found[place]: error for place, error in told.items()}

    def not_starting(self, paths: list[str]) -> dict[str, str]:
        """Programs that the loader refuses, and the libraries that it does not find."""
        failed = {}
        for path in paths:
            done = subprocess.run(
                ["ldd", self.find(path) or path], capture_output=True, text=True, check=False
            )
            missing = [line.strip() for line in done.stdout.splitlines() if "not found" in line]
            if missing:
                failed[path] = "; ".join(missing)
        return failed

    def entry_points(self) -> set[tuple[str, ...]]:
        """Group, name and object of each that the interpreter finds."""
        return {tuple(each) for each in json.loads(self.run("-c", _ENTRY_POINTS))}


def differences(plain: Prefix, ours: Prefix) -> dict[str, str]:
    """Paths of a plain environment that are not the same in ours, and what is different."""
    found = {}
    libraries: list[str] = []
    programs: list[str] = []
    for path in plain.files():
        content = plain.content(path)
        own = ours.content(path)
        if own is None:
            found[path] = "is not there"
        elif own != content:
            found[path] = "has another content"
        elif plain.executable(path) and not ours.executable(path):
            found[path] = "cannot be run"
        if content and content.startswith(b"\x7fELF"):
            (libraries if ".so" in path else programs).append(path)
    fail = plain.not_loading(libraries)
    found |= ours.not_loading([each for each in libraries if each not in fail])
    fail = plain.not_starting(programs)
    found |= ours.not_starting([each for each in programs if each not in fail])
    for point in plain.entry_points() ^ ours.entry_points():
        found["/".join(point)] = "is an entry point of one of them alone"
    return found

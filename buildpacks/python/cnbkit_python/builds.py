"""The standalone builds of CPython that are known, by the list made by tools/python-builds."""

from __future__ import annotations

import os

from cnbkit_python.constraint import members
from cnbkit_python.spelling import is_plain

__all__ = ["Build", "known_minors", "newest"]

# Where all of them are; uv puts BP_PYTHON_MIRROR, or a mirror of its own, in place of it.
_SOURCE = "https://github.com/astral-sh/python-build-standalone/releases/download/"
_FAMILY = {"amd64": "x86_64", "arm64": "aarch64"}


class Build:
    """One archive.

    Attributes:
        version: in full; of a candidate "3.15.0rc1".
        family: of processors, `x86_64` or `aarch64`.
        sha256: its checksum, in hexadecimal digits.
        path: below the address of all builds.
    """

    __slots__ = ("family", "path", "sha256", "version")

    def __init__(self, version: str, family: str, sha256: str, path: str) -> None:
        self.version = version
        self.family = family
        self.sha256 = sha256
        self.path = path

    @property
    def release(self) -> str:
        """Version and day, which name the build: "3.12.4 of 20240713"."""
        return f"{self.version} of {self.path.partition('/')[0]}"

    def list_of_one(self) -> str:
        """A list, in uv's format, of this one alone."""
        import json

        major, minor, rest = self.version.split(".")
        patch = "".join(char for char in rest[:2] if char.isdigit())
        entry = {
            "name": "cpython",
            "arch": {"family": self.family, "variant": None},
            "os": "linux",
            "libc": "gnu",
            "major": int(major),
            "minor": int(minor),
            "patch": int(patch),
            "prerelease": rest.removeprefix(patch),
            "url": _SOURCE + self.path,
            "sha256": self.sha256,
            "variant": None,
            "build": self.path.partition("/")[0],
        }
        return json.dumps({f"cpython-{self.version}-linux-{self.family}-gnu": entry})


def newest(request: str, arch: str) -> Build | None:
    """The newest build that a request fits; None if there is none.

    A candidate or alpha is taken where it is asked for by name, as elsewhere.

    Args:
        request: "3.12", "3.12.4" or specifiers.
        arch: `amd64` or `arm64`.
    """
    fits = members(request)
    for build in _all():
        released = is_plain(build.version) or build.version == request.removeprefix("==")
        if build.family == _FAMILY.get(arch) and released and fits(build.version):
            return build
    return None


def known_minors() -> tuple[str, str]:
    """The oldest and the newest minor version of which there is a release."""
    found = [build.version for build in _all() if is_plain(build.version)]
    return found[-1].rpartition(".")[0], found[0].rpartition(".")[0]


def _all() -> list[Build]:
    """All of them, the newest first."""
    path = os.path.join(os.path.dirname(__file__), "builds.txt")
    with open(path, encoding="ascii") as file:
        return [Build(*line.split()) for line in file]

"""Buildpacks of a builder that were not written on cnbkit: taken as they are.

<folder>/
  buildpack.toml        id and version; the rest is the lifecycle's to judge
  bin/detect, bin/build executable, in whatever language; a composite has [[order]] instead
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

from cnbkit.errors import BuildpackFault, PlatformFault
from cnbkit.spec.toml import decode

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ForeignBuildpack", "is_foreign"]


def is_foreign(directory: Path) -> bool:
    """Whether a folder's buildpack.toml names no class of cnbkit's."""
    toml = directory / "buildpack.toml"
    if not toml.is_file():
        return False
    table = decode(toml.read_bytes(), name="buildpack.toml", where=str(toml))
    metadata = table.get("metadata")
    ours = metadata.get("cnbkit") if isinstance(metadata, dict) else None
    # Without an entry and without programs it is one of ours that its author has not finished.
    return ours is None and ((directory / "bin").is_dir() or "order" in table)


class ForeignBuildpack:
    """A folder the lifecycle can execute as it is.

    Args:
        directory: the folder.

    Attributes:
        id: its id.
        version: its version.

    Raises:
        BuildpackFault: it has no id or version, or a program of it is missing or not executable.
        InvalidDocument: buildpack.toml is not TOML.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        toml = directory / "buildpack.toml"
        table = decode(toml.read_bytes(), name="buildpack.toml", where=str(toml))
        info = table.get("buildpack")
        self.id = _text(info, "id", toml)
        self.version = _text(info, "version", toml)
        for program in () if "order" in table else ("bin/detect", "bin/build"):
            path = directory / program
            if not os.access(path, os.X_OK) or not path.is_file():
                raise BuildpackFault(
                    f"{self.id} has no program {program} that can be executed",
                    where=str(path),
                    remedy=f"add it and run: chmod +x {path}",
                )

    def copy(self, out: Path) -> None:
        """Write it to a directory that does not exist yet.

        Raises:
            PlatformFault: a file cannot be read, or the disk is full.
        """
        try:
            shutil.copytree(
                self.directory, out, symlinks=True, ignore=shutil.ignore_patterns(".git")
            )
        except (OSError, shutil.Error) as error:
            raise PlatformFault(
                f"cannot copy the buildpack {self.id}",
                where=str(self.directory),
                remedy="put right what the system says below",
                detail=str(error),
            ) from None


def _text(info: Any, key: str, toml: Path) -> str:
    value = info.get(key) if isinstance(info, dict) else None
    if not isinstance(value, str) or not value:
        raise BuildpackFault(
            f"buildpack.toml has no {key} in [buildpack]",
            where=str(toml),
            remedy=f'add: [buildpack] {key} = "…"',
        )
    return value

"""Where cnbkit keeps its state on disk (docs/architecture.md, "State on disk")."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Home"]


@dataclass(frozen=True)
class Home:
    """The folder that holds everything cnbkit keeps between builds.

    Folders are named here and created by whoever writes in them first.

    Args:
        root: the folder itself, absolute.
    """

    root: Path

    @classmethod
    def default(cls) -> Home:
        """`$CNBKIT_HOME`, else `$XDG_DATA_HOME/cnbkit`, else `~/.local/share/cnbkit`."""
        if named := os.environ.get("CNBKIT_HOME"):
            return cls(Path(named).absolute())
        data = os.environ.get("XDG_DATA_HOME", "")
        # The XDG specification tells programs to ignore a relative path.
        base = Path(data) if data.startswith("/") else Path.home() / ".local" / "share"
        return cls(base / "cnbkit")

    @property
    def images(self) -> Path:
        """The OCI image layout every built image is in."""
        return self.root / "images"

    @property
    def layers(self) -> Path:
        """Image layers unpacked for `cnbkit run`, one folder per diffID."""
        return self.root / "layers"

    @property
    def base(self) -> Path:
        """Root file systems builds run in, by digest of their recipe."""
        return self.root / "base"

    @property
    def tools(self) -> Path:
        """The lifecycle's binaries, by version and platform."""
        return self.root / "tools"

    @property
    def buildpacks(self) -> Path:
        """Assembled buildpacks, by digest of their sources."""
        return self.root / "buildpacks"

    @property
    def libraries(self) -> Path:
        """What assembled buildpacks import besides cnbkit, by digest of their locks."""
        return self.root / "libraries"

    @property
    def cache(self) -> Path:
        """The lifecycle's cache folder of each app."""
        return self.root / "cache"

    @property
    def tmp(self) -> Path:
        """Workspaces of builds and runs in progress; each is removed when it ends."""
        return self.root / "tmp"

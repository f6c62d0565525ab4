"""uv on this machine: what the engine itself installs from a package index."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

__all__ = ["install"]

_TRUST = "UV_SYSTEM_CERTS"


def install(
    folder: Path, *arguments: str, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Install what a lock names, with hashes, into a folder; the caller looks how it ended.

    uv trusts whom this machine trusts, as pip does: also a company's own authority, whose proxy
    signs what comes from outside. By itself it knows only those that it was built with.

    Args:
        folder: where to; made if need be.
        arguments: those of `uv pip install`, besides the folder.
        cwd: where uv starts, and looks for its settings.
    """
    import subprocess

    from uv import find_uv_bin

    command = [find_uv_bin(), "pip", "install", "--quiet", "--target", str(folder)]
    return subprocess.run(
        [*command, "--no-deps", "--require-hashes", *arguments],
        cwd=cwd,
        env={_TRUST: "true", **os.environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

"""pack, the CNB project's own command line: built from its Go module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit_engine.state.locks import made_once

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cnbkit_engine.state.home import Home

__all__ = ["PACK_VERSION", "ensure_pack"]

PACK_VERSION = "0.40.9"


def ensure_pack(
    home: Home, *, arch: str, progress: Callable[[str], None] = lambda _line: None
) -> Path:
    """The program `pack`, made when first asked for.

    Args:
        home: it goes to `home.tools`.
        arch: `amd64` or `arm64`.
        progress: told, a sentence each, when something long begins and ends.

    Raises:
        PlatformFault: it cannot be built, or the disk is full.
    """

    def make(folder: Path) -> None:
        from cnbkit_engine.state.workspace import Workspace
        from cnbkit_engine.tools.go import MODULES, GoTool

        folder.mkdir()
        progress("Building pack from source (about two minutes) ...")
        module = "github.com/buildpacks/pack"
        with Workspace(folder.parent) as space:
            GoTool(
                MODULES / "pack", (module,), {f"{module}/pkg/client.Version": PACK_VERSION}
            ).build(folder, arch, space, progress)
        progress("Built pack")

    return made_once(home.tools / f"pack-{PACK_VERSION}-linux-{arch}", make) / "pack"

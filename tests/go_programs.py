"""Programs made of other projects' Go code, built once a machine, to compare with."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.state.home import Home
from cnbkit_engine.state.locks import made_once
from cnbkit_engine.tools.go import GoTool

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TOOLS", "go_programs"]

TOOLS = Path(__file__).resolve().parents[1] / "tools"
"""Each tool's Go module."""


def go_programs(
    tool: str, packages: tuple[str, ...], variables: Mapping[str, str], space: Path
) -> Path:
    """A folder of programs made of a module in `tools`.

    Args:
        tool: the module's folder.
        packages: what to build.
        variables: string variables to set in the programs.
        space: where to build; programs that are built in one share what they have in common.
    """
    module = TOOLS / tool
    files = sorted(path for path in module.rglob("*") if path.is_file())
    sources = b"".join(path.read_bytes() for path in files) + " ".join(packages).encode()
    arch = machine_architecture()

    def make(folder: Path) -> None:
        folder.mkdir()
        GoTool(module, packages, variables, optimized=False).build(folder, arch, space, print)

    name = tool.replace("/", "-")
    digest = hashlib.sha256(sources).hexdigest()[:12]
    return made_once(Home.default().tools / f"test-{name}-{digest}-linux-{arch}", make)

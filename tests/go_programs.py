"""Programs made of other projects' Go code, built once a machine, to compare with."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.state.home import Home
from cnbkit_engine.state.locks import made_once
from cnbkit_engine.tools.go import GoTool

__all__ = ["go_program"]

TOOLS = Path(__file__).resolve().parents[1] / "tools"


def go_program(tool: str, space: Path) -> Path:
    """The program of a module in `tools`.

    Args:
        tool: the module's folder.
        space: where to build; programs that are built in one share what they have in common.
    """
    module = TOOLS / tool
    files = sorted(path for path in module.rglob("*") if path.is_file())
    sources = b"".join(path.read_bytes() for path in files)
    arch = machine_architecture()

    def make(folder: Path) -> None:
        folder.mkdir()
        made = GoTool(module, (f"cnbkit/tools/{tool}",), {}, optimized=False)
        made.build(folder, arch, space, print)

    name = f"validate-{tool}-{hashlib.sha256(sources).hexdigest()[:12]}-linux-{arch}"
    return made_once(Home.default().tools / name, make) / tool

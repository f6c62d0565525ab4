"""Programs that judge resources with kpack's and Tekton's own types, built once a machine."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit.platform.base import machine_architecture
from cnbkit.platform.go_tool import GoTool
from cnbkit.platform.home import Home
from cnbkit.platform.once import made_once
from cnbkit.platform.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    Judge = Callable[..., tuple[int, list[str]]]

TOOLS = Path(__file__).resolve().parents[2] / "tools"


@pytest.fixture(scope="session")
def judge() -> Judge:
    """`judge("kpack", *files)`: exit status, and a line for each resource."""

    def run(tool: str, *files: Path) -> tuple[int, list[str]]:
        done = subprocess.run([_program(tool), *files], capture_output=True, text=True, check=False)
        return done.returncode, (done.stdout + done.stderr).splitlines()

    return run


def _program(tool: str) -> Path:
    module = TOOLS / tool
    sources = b"".join(path.read_bytes() for path in sorted(module.iterdir()))
    arch = machine_architecture()

    def make(folder: Path) -> None:
        folder.mkdir()
        with Workspace(folder.parent) as space:
            GoTool(module, (f"cnbkit/tools/{tool}",), {}).build(folder, arch, space, print)

    name = f"validate-{tool}-{hashlib.sha256(sources).hexdigest()[:12]}-linux-{arch}"
    return made_once(Home.default().tools / name, make) / tool

"""Programs made of kpack's and Tekton's own code, built once a machine."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.state.home import Home
from cnbkit_engine.state.locks import made_once
from cnbkit_engine.state.workspace import Workspace
from cnbkit_engine.tools.go import GoTool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Judge = Callable[..., tuple[int, list[str]]]

TOOLS = Path(__file__).resolve().parents[2] / "tools"
VALIDATE = {"kpack": ["validate"], "tekton": []}
# Programs of the platform itself, made with what stands in the folder.
THEIRS = {"kpack": ("github.com/pivotal/kpack/cmd/rebase",)}


@pytest.fixture(scope="session")
def program() -> Iterator[Callable[[str], Path]]:
    """A program by the folder of its module in `tools`."""
    # One folder for all that are built: they share Go's library, compiled, and modules.
    with Workspace(Home.default().tools, background=True) as space:
        yield lambda tool: _program(tool, space)


@pytest.fixture(scope="session")
def kpack(program: Callable[[str], Path]) -> Path:
    """kpack's code as a program; tools/kpack/main.go says what it does.

    Beside it lies `rebase`, which runs in kpack's pods.
    """
    return program("kpack")


@pytest.fixture(scope="session")
def judge(program: Callable[[str], Path]) -> Judge:
    """`judge("kpack", *files)`: exit status, and a line for each resource."""

    def run(tool: str, *files: Path) -> tuple[int, list[str]]:
        command: list[str | Path] = [program(tool), *VALIDATE[tool], *files]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, (done.stdout + done.stderr).splitlines()

    return run


def _program(tool: str, space: Path) -> Path:
    module = TOOLS / tool
    files = sorted(path for path in module.rglob("*") if path.is_file())
    packages = (f"cnbkit/tools/{tool}", *THEIRS.get(tool, ()))
    sources = b"".join(path.read_bytes() for path in files) + " ".join(packages).encode()
    arch = machine_architecture()

    def make(folder: Path) -> None:
        folder.mkdir()
        made = GoTool(module, packages, {}, optimized=False)
        made.build(folder, arch, space, print)

    name = f"validate-{tool}-{hashlib.sha256(sources).hexdigest()[:12]}-linux-{arch}"
    return made_once(Home.default().tools / name, make) / tool

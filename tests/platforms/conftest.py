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
    from collections.abc import Callable, Iterator, Mapping

    Judge = Callable[..., tuple[int, list[str]]]

TOOLS = Path(__file__).resolve().parents[2] / "tools"
VALIDATE = {"kpack": ["validate"], "tekton": []}
# What is made of each module; kpack's own program for rebases beside what stands in the folder.
PACKAGES = {
    "kpack": ("cnbkit/tools/kpack", "github.com/pivotal/kpack/cmd/rebase"),
    "tekton": ("cnbkit/tools/tekton",),
}


@pytest.fixture(scope="session")
def program() -> Iterator[Callable[..., Path]]:
    """The folder of programs made of a module in `tools`."""
    # One folder for all that are built: they share Go's library, compiled, and modules.
    with Workspace(Home.default().tools, background=True) as space:

        def make(
            tool: str, packages: tuple[str, ...], variables: Mapping[str, str] | None = None
        ) -> Path:
            return _made(tool, packages, variables or {}, space)

        yield make


@pytest.fixture(scope="session")
def kpack(program: Callable[..., Path]) -> Path:
    """kpack's code as a program; tools/kpack/main.go says what it does.

    Beside it lies `rebase`, which runs in kpack's pods.
    """
    return program("kpack", PACKAGES["kpack"]) / "kpack"


@pytest.fixture(scope="session")
def judge(program: Callable[..., Path]) -> Judge:
    """`judge("kpack", *files)`: exit status, and a line for each resource."""

    def run(tool: str, *files: Path) -> tuple[int, list[str]]:
        made = program(tool, PACKAGES[tool]) / tool
        command: list[str | Path] = [made, *VALIDATE[tool], *files]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, (done.stdout + done.stderr).splitlines()

    return run


def _made(tool: str, packages: tuple[str, ...], variables: Mapping[str, str], space: Path) -> Path:
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

"""Programs made of kpack's and Tekton's own code, built once a machine."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.go_programs import go_programs

from cnbkit_engine.state.home import Home
from cnbkit_engine.state.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    Judge = Callable[..., tuple[int, list[str]]]

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
            return go_programs(tool, packages, variables or {}, space)

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

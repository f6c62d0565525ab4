"""Programs made of kpack's and Tekton's own code, built once a machine."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.go_programs import go_program

from cnbkit_engine.state.home import Home
from cnbkit_engine.state.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Judge = Callable[..., tuple[int, list[str]]]

VALIDATE = {"kpack": ["validate"], "tekton": []}


@pytest.fixture(scope="session")
def program() -> Iterator[Callable[[str], Path]]:
    """A program by the folder of its module in `tools`."""
    # One folder for all that are built: they share Go's library, compiled, and modules.
    with Workspace(Home.default().tools, background=True) as space:
        yield lambda tool: go_program(tool, space)


@pytest.fixture(scope="session")
def kpack(program: Callable[[str], Path]) -> Path:
    """kpack's code as a program; tools/kpack/main.go says what it does."""
    return program("kpack")


@pytest.fixture(scope="session")
def judge(program: Callable[[str], Path]) -> Judge:
    """`judge("kpack", *files)`: exit status, and a line for each resource."""

    def run(tool: str, *files: Path) -> tuple[int, list[str]]:
        command: list[str | Path] = [program(tool), *VALIDATE[tool], *files]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, (done.stdout + done.stderr).splitlines()

    return run

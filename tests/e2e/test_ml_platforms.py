"""The page on Airflow, Kubeflow and MLflow: its commands, as those platforms would start them."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from cnbkit_engine.state.home import Home

from .conftest import ROOT, Project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = ROOT / "docs" / "howto" / "ml-platforms.md"
TRAIN = (
    "import os, sys\n"
    "import numpy\n"
    "print('trained', *sys.argv[1:], 'with', numpy.__name__, 'in', os.getcwd())\n"
)


def block(heading: str, language: str) -> str:
    """A block of the page, below a heading."""
    section = PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    [found] = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    return str(found)


def keyword(code: str, name: str) -> list[str]:
    """A list of words that a call in some code is given; what is not text is `7`."""
    [found] = [
        each.value
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call)
        for each in node.keywords
        if each.arg == name
    ]
    assert isinstance(found, ast.List)
    return [str(each.value) if isinstance(each, ast.Constant) else "7" for each in found.elts]


@pytest.fixture
def trainer(tmp_path: Path) -> Iterator[Project]:
    """An image with a process `train` beside the one that it starts."""
    project = Project(tmp_path / "churn", Home.default())
    processes = "web: python -m http.server\ntrain: python train.py\n"
    project.write({"train.py": TRAIN, "requirements.txt": "numpy\n", "Procfile": processes})
    project.build()
    yield project
    project.remove()


def test_the_commands_of_the_page_start_what_it_says(trainer: Project) -> None:
    def started(command: list[str], arguments: list[str]) -> str:
        """The last line of what a pod prints with this command and these arguments."""
        [program, *rest] = command
        return trainer.run("--entrypoint", program, "--", *rest, *arguments).splitlines()[-1]

    airflow = block("Airflow", "text")
    trained = "trained --epochs {} with numpy in /workspace"
    assert started(keyword(airflow, "cmds"), keyword(airflow, "arguments")) == trained.format(3)
    kubeflow = block("Kubeflow Pipelines", "text")
    given = keyword(kubeflow, "command"), keyword(kubeflow, "args")
    assert started(*given) == trained.format(7)

    [entrypoint] = re.findall(r"entrypoint=(\S+)", block("MLflow Projects", "sh"))
    project = YAML(typ="safe").load(block("MLflow Projects", "yaml"))
    words = project["entry_points"]["main"]["command"].split()
    assert started([entrypoint], words) == "trained with numpy in /workspace"

"""The usual packages of Aptfiles work in an image, or the build says why they do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.base.suites import SUITES

from .apt_programs import LARGE, REFUSED, USUAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .apt_programs import Trial
    from .conftest import Project

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "os-packages.md"
APP = """
import json, os, subprocess, tempfile
os.chdir(tempfile.mkdtemp())
for name, command in json.load(open("/workspace/trials.json")).items():
    done = subprocess.run(["bash", "-c", command], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=120)
    print(json.dumps([name, done.returncode, done.stdout[-2000:]]))
"""


def failures(
    project: Project, trials: Sequence[Trial], refused: Mapping[str, str], *options: str
) -> dict[str, str]:
    """What the programs printed that did not do what they should."""
    project.write(
        {
            "trials.json": json.dumps({each.name: each.command for each in trials}),
            "app.py": APP,
            "Procfile": "web: python3 app.py\n",
        }
    )
    log = project.build(*options).output
    for name, what in refused.items():
        assert "Warning: " in log
        assert what in log, name
    lines = [json.loads(line) for line in project.run().splitlines() if line.startswith("[")]
    told = {name: (code, text) for name, code, text in lines}
    assert set(told) == {each.name for each in trials}
    return {
        each.name: f"{told[each.name][0]}: {told[each.name][1]}"
        for each in trials
        if told[each.name][0] or each.shows not in told[each.name][1]
    }


@pytest.mark.parametrize("base", SUITES)
def test_the_usual_packages_work_and_what_cannot_is_told(project: Project, base: str) -> None:
    names = [each.packages for each in USUAL]
    project.write({"Aptfile": "\n".join([*names, *REFUSED]) + "\n"})
    assert failures(project, USUAL, REFUSED, "--base", base) == {}


@pytest.mark.nightly
def test_the_large_packages_work_and_what_cannot_is_told(project: Project) -> None:
    names = [each.packages for each in LARGE]
    project.write({"Aptfile": "\n".join([*names, "nodejs"]) + "\n"})
    assert failures(project, LARGE, {"nodejs": "node takes parts of itself from"}) == {}


def test_the_page_lists_what_is_tried() -> None:
    text = PAGE.read_text()
    row = text.partition("| works |")[2]
    missing = [each.name for each in (*USUAL, *LARGE) if f"`{each.name}`" not in text]
    assert missing == []
    assert row
    assert [name for name in REFUSED if f"`{name}`" not in text] == []

"""Lists of pyproject.toml that are none, or hold no requirements: the line and the change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit import BuildContext, UserFault
from cnbkit.log import Log
from cnbkit_python.input import Input
from cnbkit_python.request import VersionRequest
from cnbkit_start import Start

if TYPE_CHECKING:
    from pathlib import Path

    from tests.buildpacks.conftest import Phases

HEAD = '[project]\nname = "shop"\nversion = "1"\n'
FLASK = "from flask import Flask\n\napp = Flask(__name__)\n"
# The text below the head, what is said, the line, and the change.
WRONG = {
    "a table, as Poetry has it": (
        '[project.dependencies]\nflask = "^3"\n',
        "dependencies is not a list of requirements",
        4,
        'write dependencies = ["flask"]',
    ),
    "a text": (
        'dependencies = "flask"\n',
        "dependencies is not a list of requirements",
        4,
        'write dependencies = ["flask"]',
    ),
    "a caret": (
        'dependencies = [\n  "flask^3.0",\n]\n',
        "'flask^3.0' in dependencies is not a requirement",
        5,
        'write "flask>=3.0"',
    ),
    "one sign": (
        'dependencies = ["flask=3.0"]\n',
        "'flask=3.0' in dependencies is not a requirement",
        4,
        'write "flask==3.0"',
    ),
    "an extra's": (
        'dependencies = []\n[project.optional-dependencies]\nlab = ["jupyter lab"]\n',
        "'jupyter lab' in lab is not a requirement",
        6,
        "correct it: ",
    ),
    "a member of a workspace": (
        'dependencies = ["Shop_Core>=1"]\n[tool.uv.sources]\nshop-core = { workspace = true }\n',
        "Shop_Core is a member of a uv workspace, whose root is not in this folder",
        4,
        "build the workspace's root, with its uv.lock and BP_UV_PACKAGE=shop",
    ),
    "a group that is not there": (
        '[dependency-groups]\nprod = [{include-group = "prd"}]\n',
        "there is no group prd, which prod includes",
        5,
        "add `prd = […]` below [dependency-groups]",
    ),
}
RIGHT = {
    "with all that a requirement may have": (
        'dependencies = ["flask[async]>=3,<4 ; python_version > \'3.8\'", "a @ https://x.y/a.whl"]\n'
    ),
    "a group by another spelling": (
        '[dependency-groups]\nprod = [{include-group = "Web_App"}]\nweb-app = ["flask"]\n'
    ),
    "the root of a workspace": (
        'dependencies = ["core"]\n[tool.uv.sources]\ncore = { workspace = true }\n'
        '[tool.uv.workspace]\nmembers = ["core"]\n'
    ),
    "left to what builds it": 'dynamic = ["dependencies"]\n',
}


def context(app: Path, files: dict[str, str]) -> BuildContext:
    for name, text in files.items():
        (app / name).write_text(text)
    return BuildContext(
        app=str(app), env={}, buildpack="", platform="", layers="", plan="", log=Log()
    )


@pytest.mark.parametrize(("text", "what", "line", "change"), WRONG.values(), ids=WRONG)
def test_what_no_tool_reads_is_told_with_its_line_and_the_change(
    tmp_path: Path, text: str, what: str, line: int, change: str
) -> None:
    with pytest.raises(UserFault) as caught:
        Input.choose(context(tmp_path, {"pyproject.toml": HEAD + text}))
    assert (caught.value.what, caught.value.where) == (what, f"pyproject.toml:{line}")
    assert change in str(caught.value.remedy)


@pytest.mark.parametrize("text", RIGHT.values(), ids=RIGHT)
def test_what_tools_read_passes(tmp_path: Path, text: str) -> None:
    chosen = Input.choose(context(tmp_path, {"pyproject.toml": HEAD + text}))
    assert chosen.names == ["pyproject.toml"]


def test_a_file_that_is_not_toml_is_told_with_its_line(tmp_path: Path) -> None:
    text = f'{HEAD}dependencies = [\n  "flask"\n  "gunicorn"\n]\n'
    with pytest.raises(UserFault) as caught:
        Input.choose(context(tmp_path, {"pyproject.toml": text}))
    assert caught.value.where == "pyproject.toml:6"


def test_a_python_that_is_none_is_told_with_its_line(tmp_path: Path) -> None:
    found = VersionRequest.read(context(tmp_path, {".python-version": "# ours\n2.7.18\n"}))
    assert found.where == ".python-version:2"


DAMAGED = {
    "a conflict in a lock": {"uv.lock": "version = 1\n<<<<<<< HEAD\n"},
    "a conflict": {"requirements.txt": "<<<<<<< HEAD\nflask==3\n=======\nflask\n>>>>>>> main\n"},
    "a list of another language": {"requirements.txt": '["flask", "gunicorn"]\n'},
    "a page": {"requirements.txt": "<!DOCTYPE html>\n<html></html>\n"},
    "a table in place of a list": {
        "pyproject.toml": f'{HEAD}[project.dependencies]\nflask = "^3"\n'
    },
}


@pytest.mark.parametrize("files", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_left_to_who_explains_it_and_lacks_no_package(
    phases: Phases, files: dict[str, str]
) -> None:
    for name, text in {"app.py": FLASK, **files}.items():
        (phases.app / name).write_text(text)
    ran = phases.detect(Start())
    assert (ran.fault, ran.code) == (None, 0)

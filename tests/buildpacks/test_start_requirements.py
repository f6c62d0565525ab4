"""Requirements that lie where no tool looks are named by what misses a package of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit.app import App
from cnbkit_start import Start
from cnbkit_start.requirements import file_with

if TYPE_CHECKING:
    from pathlib import Path

    from tests.buildpacks.conftest import Phases

FLASK = "from flask import Flask\n\napp = Flask(__name__)\n"
TOOLS_ONLY = {"pyproject.toml": "[tool.ruff]\nline-length = 100\n"}
# The files, and the one that is named.
FILES = {
    "one for each place": (
        {
            "requirements/base.txt": "flask\n",
            "requirements/dev.txt": "-r base.txt\npytest\n",
            "requirements/prod.txt": "-r base.txt\ngunicorn\n",
        },
        "requirements/prod.txt",
    ),
    "of a folder": ({"cfg/requirements.txt": "Flask==3.0\n"}, "cfg/requirements.txt"),
    "beside the root's": (
        {"requirements.txt": "rich\n", "requirements-prod.txt": "flask[async]>=3\n"},
        "requirements-prod.txt",
    ),
    "written by Windows": (
        {"requirements/requirements.txt": "\ufeffflask\r\n"},
        "requirements/requirements.txt",
    ),
    "compiled, and what of": (
        {"requirements/serve.in": "flask\n", "requirements/serve.txt": "flask==3.1.0\n"},
        "requirements/serve.txt",
    ),
    "beside settings of tools": (
        {**TOOLS_ONLY, "deps/requirements.in": "flask\n"},
        "deps/requirements.in",
    ),
}
# None of them has what is missing, for the image.
NONE = {
    "another package": {"requirements/prod.txt": "flask-cors\n"},
    "for tests alone": {"requirements/test.txt": "flask\n", "requirements-dev.txt": "flask\n"},
    "a text": {"docs/notes.txt": "flask\n"},
    "the one that is read": {"requirements.txt": "rich\n"},
}


def add(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, newline="")


@pytest.mark.parametrize(("files", "named"), FILES.values(), ids=FILES)
def test_the_setting_for_the_file_that_has_it_is_what_to_change(
    phases: Phases, files: dict[str, str], named: str
) -> None:
    add(phases.app, {"app.py": FLASK, **files})
    ran = phases.detect(Start())
    assert ran.fault is not None
    assert "flask is not among" in ran.fault.what
    assert ran.fault.remedy == f"set BP_PYTHON_INPUT to {named}, which has flask"
    phases.env["BP_PYTHON_INPUT"] = named
    told = phases.detect(Start()).fault
    assert told is None or "flask is not among" not in told.what


@pytest.mark.parametrize("files", NONE.values(), ids=NONE)
def test_another_file_is_not_named(tmp_path: Path, files: dict[str, str]) -> None:
    add(tmp_path, files)
    assert file_with(App(str(tmp_path)), "flask") == ""

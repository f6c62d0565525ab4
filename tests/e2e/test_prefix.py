"""One prefix in the image: programs of packages find what other packages put below it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from .test_pip_inputs import big

if TYPE_CHECKING:
    from .conftest import Project

LIST = (
    "import os, pathlib, subprocess, sys\n"
    "told = subprocess.run(['jupyter', 'server', 'extension', 'list'], check=True, text=True,\n"
    "    capture_output=True)\n"
    "print(told.stdout, told.stderr)\n"
    "for name in ('one', 'two'):\n"
    "    print(pathlib.Path(sys.prefix, 'share', 'demo', name).read_text())\n"
)


@pytest.mark.smoke
def test_a_server_finds_its_extensions_and_data_of_two_layers_is_in_one_folder(
    project: Project,
) -> None:
    project.write(
        {
            "requirements.txt": "jupyter-server\n./one-1.0-py3-none-any.whl\n"
            "./two-1.0-py3-none-any.whl\n",
            "one-1.0-py3-none-any.whl": big("one", ("one-1.0.data/data/share/demo/one", "first")),
            "two-1.0-py3-none-any.whl": big("two", ("two-1.0.data/data/share/demo/two", "second")),
            "list.py": LIST,
            "Procfile": "web: python list.py\n",
        }
    )
    project.build()
    told = project.run()
    assert re.search(r"jupyter_server_terminals \S*enabled", told)
    assert told.endswith("first\nsecond\n")
    # The lock and its cache are gone with the files that tell what other layers have.
    project.write({"requirements.txt": "six\njupyter-server\n./one-1.0-py3-none-any.whl\n"})
    before = project.layers()
    output = project.build("--clear-cache").output
    assert "Reusing layer 'cnbkit/pip:wheels-one'" in output
    assert project.layers()["cnbkit/pip:wheels-one"] == before["cnbkit/pip:wheels-one"]
    failed = project.run(code=1)
    assert re.search(r"jupyter_server_terminals \S*enabled", failed)
    assert "share/demo/two" in failed

"""What pack builds and Docker runs: one prefix, output at once, checked processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..e2e.test_pip_inputs import big
from ..equivalence.wheels import HEAVY, library, wheel

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit.testing.inputs import Files
    from cnbkit_engine.testing import LifecycleBuild

LIST = (
    "import pathlib, sys\n"
    "for name in ('one', 'two'):\n"
    "    print(pathlib.Path(sys.prefix, 'share', 'demo', name).read_text())\n"
)


def test_data_of_packages_in_two_layers_is_in_one_folder(
    pack_build: LifecycleBuild, builder: Path
) -> None:
    app: Files = {
        "requirements.txt": "./one-1.0-py3-none-any.whl\n./two-1.0-py3-none-any.whl\n",
        "one-1.0-py3-none-any.whl": big("one", ("one-1.0.data/data/share/demo/one", "first")),
        "two-1.0-py3-none-any.whl": big("two", ("two-1.0.data/data/share/demo/two", "second")),
        "app.py": LIST,
    }
    built = pack_build.build(app, builder=builder)
    assert {"cnbkit/pip:wheels-one", "cnbkit/pip:wheels-two"} <= built.layers.keys()
    assert built.run() == "first\nsecond\n"


# A program of one layer looks for data, a plug-in and a library of others.
LOOK = """
import ctypes, importlib.metadata, pathlib, sys
def main():
    print(pathlib.Path(sys.prefix, "share", "data.txt").read_text())
    print([each.load().WORD for each in importlib.metadata.entry_points(group="words")])
    ctypes.CDLL(f"{sys.prefix}/lib/libouter.so.1")
"""


def test_programs_plug_ins_and_libraries_of_several_layers_find_each_other(
    pack_build: LifecycleBuild, builder: Path, tmp_path: Path
) -> None:
    library(tmp_path, "libinner.so.1")
    outer = library(tmp_path, "libouter.so.1", "libinner.so.1", places="$ORIGIN")
    inner = (tmp_path / "libinner.so.1").read_bytes()
    wheels = {
        **wheel("looking", {"looking.py": LOOK, "looking.bin": HEAVY}),
        **wheel("data", {"data/share/data.txt": "data", "data.bin": HEAVY}),
        **wheel("plug", {"plug.py": "WORD = 'plugged'"}, "[words]\nplug = plug\n"),
        **wheel("outer", {"data/lib/libouter.so.1": outer, "outer.bin": HEAVY}),
        **wheel("inner", {"data/lib/libinner.so.1": inner, "inner.bin": HEAVY}),
    }
    app: Files = {
        **wheels,
        "requirements.txt": "".join(f"./{path}\n" for path in wheels),
        "Procfile": "web: looking\n",
    }
    built = pack_build.build(app, builder=builder)
    made = {name.rpartition(":")[2] for name in built.layers}
    assert {"wheels-looking", "wheels-data", "wheels-outer", "wheels-inner"} <= made
    assert built.run() == "data\n['plugged']\n"


def test_a_print_appears_at_once_and_an_unknown_user_has_a_home(
    pack_build: LifecycleBuild, builder: Path
) -> None:
    code = (
        "import os, sys; print('said'); print(os.environ['PYTHONUNBUFFERED'], os.access(\n"
        "    os.path.expanduser('~'), os.W_OK)); os._exit(0)\n"
    )
    built = pack_build.build({"requirements.txt": "six\n", "app.py": code}, builder=builder)
    assert built.run() == "said\n1 True\n"
    assert built.run(env={"HOME": "/nowhere"}) == "said\n1 True\n"


@pytest.mark.parametrize(
    ("app", "why", "what_to_write"),
    [
        (
            {"Procfile": "web: python server.py\n", "src/server.py": ""},
            "web cannot start: there is no file server.py in the app",
            "write src/server.py, which is there",
        ),
        (
            {"Procfile": "web: ./start.sh\n", "start.sh": "#!/bin/sh\n"},
            "web cannot start: start.sh is not executable",
            "chmod +x start.sh",
        ),
    ],
    ids=["no such file", "its mode"],
)
def test_what_cannot_start_ends_the_build_before_packages_are_installed(
    pack_build: LifecycleBuild,
    builder: Path,
    app: dict[str, str],
    why: str,
    what_to_write: str,
) -> None:
    failed = pack_build.build({"requirements.txt": "six\n", **app}, builder=builder, code=21)
    assert why in failed.log
    assert what_to_write in failed.log
    assert "Installing" not in failed.log


def test_a_program_that_no_package_brought_ends_the_build(
    pack_build: LifecycleBuild, builder: Path
) -> None:
    app = {
        "requirements.txt": "six\n",
        "Procfile": "web: gunicorn app:app\n",
        "app.py": "app = 1\n",
    }
    failed = pack_build.build(app, builder=builder, code=51)
    assert "Error: web cannot start: the image has no program gunicorn" in failed.log
    assert "where: Procfile:1" in failed.log

"""What pack builds and Docker runs: one prefix, output at once, checked processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..e2e.test_pip_inputs import big

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


def test_what_cannot_start_ends_the_build_before_packages_are_installed(
    pack_build: LifecycleBuild, builder: Path
) -> None:
    app = {"requirements.txt": "six\n", "Procfile": "web: python server.py\n", "src/server.py": ""}
    failed = pack_build.build(app, builder=builder, code=21)
    assert "web cannot start: there is no file server.py in the app" in failed.log
    assert "write src/server.py, which is there" in failed.log
    assert "Installing" not in failed.log

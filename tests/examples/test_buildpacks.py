"""The examples through the real lifecycle, in one group; their own tests lie beside them."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit_engine.lint import check

if TYPE_CHECKING:
    from tests.examples.conftest import Engine

EXAMPLES = Path(__file__).parents[2] / "examples" / "buildpacks"


def test_all_of_them_build_one_image(engine: Engine) -> None:
    folders = [EXAMPLES / name for name in ("wordcount", "hello", "company")]
    shutil.copytree(EXAMPLES / "app", engine.app, dirs_exist_ok=True)

    built = engine.build(*folders)
    assert "2 of 2 pages are new" in built
    assert engine.run() == "Pages, counted:\n"
    assert engine.run("--process", "words").startswith("2 one\n2 fish\n")
    assert engine.labels()["com.example.owner"] == "ml-platform"

    again = engine.build(*folders)
    assert "0 of 2 pages are new" in again
    assert "Reusing layer 'examples/wordcount:total'" in again

    (engine.app / "pages" / "tree.md").write_text("a tree\n")
    changed = engine.build(*folders)
    assert "1 of 2 pages are new" in changed
    assert "pages changed: tree.md" in changed

    engine.write({"requirements.txt": "pycrypto\n"})
    refused = engine.build(*folders, code=51)
    assert "requirements.txt: pycrypto is not allowed" in refused


def test_the_smallest_is_twenty_lines_at_most() -> None:
    text = (EXAMPLES / "hello" / "hello_buildpack.py").read_text()
    assert len(text.splitlines()) <= 20
    assert len(ast.parse(text).body) == 4


def test_there_is_nothing_to_tell_of_them() -> None:
    assert check(EXAMPLES / "builder.toml") == []
    assert check(EXAMPLES / "os-packages") == []

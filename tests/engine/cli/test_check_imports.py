"""`cnbkit check` and `cnbkit test` tell imports of what no build has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from cnbkit.errors import BuildpackFault
from cnbkit_engine.cli.test import command
from cnbkit_engine.lint import check

if TYPE_CHECKING:
    from pathlib import Path

_TOML = """\
api = "0.12"
[buildpack]
id = "acme/pack"
version = "1.0.0"
[[buildpack.licenses]]
type = "MIT"
[metadata.cnbkit]
entry = "acme_pack:Pack"
libraries = ["../common/acme_paths"]
"""
_PACK = """\
from __future__ import annotations
from typing import TYPE_CHECKING
from cnbkit import Buildpack, BuildContext, BuildResult, Triggers
import acme_paths
if TYPE_CHECKING:
    import hypothesis
try:
    import coverage
except ImportError:
    coverage = None

class Pack(Buildpack):
    triggers = Triggers("a")
    def build(self, ctx: BuildContext) -> BuildResult:
        import json, pydantic, tomli_w
        from os import path
        {more}
        return BuildResult()
"""


def _folder(root: Path, more: str, lock: str = "") -> Path:
    shared, folder = root / "common/acme_paths", root / "pack"
    shared.mkdir(parents=True)
    (shared / "__init__.py").write_text("import struct\n")
    folder.mkdir()
    (folder / "README.md").write_text("A pack.\n")
    (folder / "buildpack.toml").write_text(_TOML)
    (folder / "acme_pack.py").write_text(_PACK.format(more=more))
    (folder / "acme_beside.py").write_text("")
    if lock:
        (folder / "requirements.lock").write_text(lock)
    return folder


def _told(folder: Path) -> list[str]:
    return [f"{each.where}: {each.what}" for each in check(folder) if each.rule == "import"]


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ("import pytest", "pytest is imported, and no build has it: there is no requirements.lock"),
        ("from click.core import Command", "click is imported"),
        ("import yaml", "yaml is imported"),
        ("import not_there_at_all as x", "not_there_at_all is imported"),
    ],
)
def test_an_import_that_no_lock_names_is_told_with_its_line(
    tmp_path: Path, more: str, what: str
) -> None:
    folder = _folder(tmp_path, more)
    [told] = _told(folder)
    assert told.startswith(f"{folder / 'acme_pack.py'}:17: {what}")


@pytest.mark.parametrize("more", ["import acme_beside", "import acme_paths.inner", "pass"])
def test_what_a_build_has_is_not_told(tmp_path: Path, more: str) -> None:
    assert _told(_folder(tmp_path, more)) == []


def test_a_lock_brings_what_it_names(tmp_path: Path) -> None:
    digest = "--hash=sha256:" + "0" * 64
    lock = f"click==8.1.0 {digest}\nPyYAML==6.0 {digest}\nattrs==25.1.0 {digest}\n"
    folder = _folder(tmp_path, "import click, yaml, attrs, pytest", lock)
    [told] = _told(folder)
    assert "pytest is imported" in told
    assert "requirements.lock does not name pytest" in told


def test_an_import_of_a_shared_library_is_told_there(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "pass")
    shared = tmp_path / "common/acme_paths/__init__.py"
    shared.write_text("\nimport click\n")
    [told] = _told(folder)
    assert f"{shared}:2".replace("pack/../", "") in told.replace("pack/../", "")


def test_tests_are_not_run_with_more_than_a_build_has(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "import click")
    (folder / "test_it.py").write_text("def test_it():\n    pass\n")
    with pytest.raises(BuildpackFault, match="click is imported") as caught:
        CliRunner().invoke(command, [str(folder)], catch_exceptions=False)
    assert caught.value.where == f"{folder / 'acme_pack.py'}:17"


@pytest.mark.parametrize("name", ["json", "pydantic", "tomli_w", "types"])
def test_a_module_that_hides_another_is_told(tmp_path: Path, name: str) -> None:
    folder = _folder(tmp_path, "pass")
    (folder / f"{name}.py").write_text("")
    assert f"the module {name} hides the one of" in " ".join(_told(folder))

"""Bytecode of an image's packages: of all that can be compiled; a fault where it cannot be kept."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit import BuildContext, Buildpack, BuildResult
from cnbkit_bytecode import compile_sources

if TYPE_CHECKING:
    from cnbkit.testing import BuildpackRun, Result

UNCHECKED = b"\1\0\0\0"  # PEP 552


class Compiles(Buildpack):
    """Compiles the modules of a folder."""

    def __init__(self, folder: Path, python: str = sys.executable) -> None:
        self.packages = folder
        self.python = python

    def build(self, ctx: BuildContext) -> BuildResult:
        compile_sources(ctx, self.python, sorted(map(str, self.packages.rglob("*.py"))))
        return BuildResult()


def run(buildpack_run: BuildpackRun, buildpack: Compiles) -> Result:
    return buildpack_run(buildpack, app={"app.py": ""})


def bytecode(source: Path) -> Path:
    return Path(importlib.util.cache_from_source(str(source)))


def test_all_is_compiled_where_no_socket_has_room(
    buildpack_run: BuildpackRun, tmp_path: Path
) -> None:
    folder = tmp_path / "packages"
    modules = [folder / f"{'deep/' * 30}m{number}.py" for number in range(40)]
    modules[0].parent.mkdir(parents=True)
    for number, module in enumerate(modules):
        module.write_text(f"VALUE = {number}\n")
    result = run(buildpack_run, Compiles(folder))
    assert result.code == 0, result.log
    # A socket's path has 107 bytes.
    assert len(str(result.app.parent / "tmp")) > 80
    assert [bytecode(each).read_bytes()[4:8] for each in modules] == [UNCHECKED] * 40


def test_what_no_python_compiles_is_passed_over(
    buildpack_run: BuildpackRun, tmp_path: Path
) -> None:
    folder = tmp_path / "packages"
    folder.mkdir()
    for name, text in {
        "a_faulty.py": "print 'Python 2'\n",
        "b_deep.py": "-" * 100_000 + "1\n",
        "c_zero.py": "\0",
        "d_coding.py": "# -*- coding: none -*-\n",
        f"e_{'long' * 62}.py": "",
        "f_good.py": "VALUE = 1\n",
        "g_good.py": "VALUE = 2\n",
    }.items():
        (folder / name).write_text(text)
    (folder / "a_nowhere.py").symlink_to("nowhere")
    # A link in the place of bytecode is replaced, and what it names stays.
    bytecode(folder / "f_good.py").parent.mkdir()
    bytecode(folder / "f_good.py").symlink_to(tmp_path / "another")
    (tmp_path / "another").write_text("another's")
    result = run(buildpack_run, Compiles(folder))
    assert result.code == 0, result.log
    made = sorted(path.name.partition(".")[0] for path in folder.rglob("*.pyc"))
    assert made == ["f_good", "g_good"]
    assert not bytecode(folder / "f_good.py").is_symlink()
    assert (tmp_path / "another").read_text() == "another's"


def test_bytecode_that_cannot_be_written_is_a_fault(
    buildpack_run: BuildpackRun, tmp_path: Path
) -> None:
    folder = tmp_path / "packages"
    folder.mkdir()
    (folder / "good.py").write_text("VALUE = 1\n")
    (folder / "__pycache__").write_text("a file")
    result = run(buildpack_run, Compiles(folder))
    assert result.code
    assert "Not a directory" in result.log


def test_an_interpreter_that_does_not_work_is_a_fault(
    buildpack_run: BuildpackRun, tmp_path: Path
) -> None:
    (tmp_path / "good.py").write_text("VALUE = 1\n")
    assert run(buildpack_run, Compiles(tmp_path, "/bin/false")).code

"""What a Go program says it was built from, compared with what `go` reads in it."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.lifecycle.install import LIFECYCLE_VERSION, ensure_lifecycle
from cnbkit_engine.state.home import Home
from cnbkit_engine.tools.go import MODULES
from cnbkit_engine.tools.go_modules import Module, built_from

if TYPE_CHECKING:
    from pathlib import Path

_MAGIC = b"\xff Go buildinf:"
_FRAME = b"0123456789abcdef"


def _program(path: Path, listed: str, *, before: bytes = b"") -> Path:
    """A file with the section that Go's linker writes."""

    def text(content: bytes) -> bytes:
        length = len(content)
        return bytes([length & 0x7F | 0x80, length >> 7]) + content

    header = (_MAGIC + bytes([8, 2])).ljust(32, b"\0")
    modules = _FRAME + listed.encode() + _FRAME
    body = before.ljust((len(before) + 15) // 16 * 16, b"\0") + header
    path.write_bytes(body + text(b"go1.26.8 X:jsonv2") + text(modules))
    return path


@pytest.mark.parametrize("program", ["lifecycle", "launcher"])
def test_the_lifecycles_programs_name_modules_that_go_sum_has(program: str) -> None:
    built = built_from(ensure_lifecycle(Home.default(), arch=machine_architecture()) / program)
    assert (built.main.path, built.main.version) == (
        "github.com/buildpacks/lifecycle",
        f"v{LIFECYCLE_VERSION}",
    )
    pinned = set((MODULES / "lifecycle" / "go.sum").read_text().splitlines())
    assert len(built.modules) >= {"lifecycle": 50, "launcher": 5}[program]
    named = {f"{each.path} {each.version} {each.digest}" for each in built.modules}
    assert named - pinned == set()


@pytest.mark.full  # asks `go`
@pytest.mark.parametrize("program", ["lifecycle", "launcher"])
def test_go_reads_the_same(program: str) -> None:
    path = ensure_lifecycle(Home.default(), arch=machine_architecture()) / program
    go = shutil.which("go")
    assert go, "Go reads its own format; tools/setup installs it"
    shown = subprocess.run([go, "version", "-m", path], capture_output=True, text=True, check=True)
    lines = [line.split("\t")[1:] for line in shown.stdout.splitlines()]
    built = built_from(path)
    assert [Module(*words) for kind, *words in filter(None, lines) if kind == "mod"] == [built.main]
    theirs = [Module(*words) for kind, *words in filter(None, lines) if kind == "dep"]
    assert sorted(theirs, key=lambda each: each.path) == list(built.modules)
    assert shown.stdout.splitlines()[0].endswith(f": go{built.go}")


def test_a_module_that_was_replaced_is_the_one_that_is_inside(tmp_path: Path) -> None:
    listed = (
        "path\texample/cmd\nmod\texample\tv1.0.0\th1:a=\ndep\ta/b\tv1.1.0\n"
        "=>\tc/b\tv1.2.0\th1:c=\ndep\ta/a\tv0.1.0\th1:d=\nbuild\t-compiler=gc\n"
    )
    # The words that mark the place may be a program's own data, too.
    path = _program(tmp_path / "program", listed, before=b"xyz" + _MAGIC + b"\2\2")
    built = built_from(path)
    assert built.go == "1.26.8"
    assert built.main == Module("example", "v1.0.0", "h1:a=")
    assert built.modules == (Module("a/a", "v0.1.0", "h1:d="), Module("c/b", "v1.2.0", "h1:c="))


@pytest.mark.parametrize("content", [b"#!/bin/sh\n", _MAGIC + b"\x08\x00".ljust(40, b"\0")])
def test_another_program_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "program").write_bytes(content)
    with pytest.raises(ValueError, match="does not say what Go modules"):
        built_from(tmp_path / "program")


def test_a_program_of_no_module_is_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not built from a module"):
        built_from(_program(tmp_path / "program", "path\tcommand-line-arguments\n"))

"""The system call filter. What it refuses to a program is in tests/attacks."""

from __future__ import annotations

import ctypes
import struct
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.sandbox import seccomp
from cnbkit_engine.sandbox.sandbox import Sandbox
from cnbkit_engine.sandbox.seccomp import REFUSED, compile_filter, ensure_filter

if TYPE_CHECKING:
    from pathlib import Path

_RETURN = 0x06


def test_the_filter_is_a_program_for_the_kernel_with_three_answers() -> None:
    made = compile_filter()
    assert made
    steps = list(struct.iter_unpack("=HBBI", made))
    answers = {value for code, _, _, value in steps if code == _RETURN}
    assert answers == {seccomp._ALLOW, seccomp._REFUSE, seccomp._UNKNOWN}
    assert len(steps) < 4096, "the kernel takes no longer ones"


def test_every_call_refused_is_one_that_some_kernel_has() -> None:
    number_of = ctypes.CDLL("libseccomp.so.2").seccomp_syscall_resolve_name
    newer = {"open_tree_attr", "listmount", "statmount"}  # than Debian 12's libseccomp
    unknown = {name for name in REFUSED - newer if number_of(name.encode()) == -1}
    assert unknown == set()


def test_it_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ensure_filter(tmp_path)
    assert first
    monkeypatch.setattr(seccomp, "compile_filter", pytest.fail)
    assert ensure_filter(tmp_path) == first


def test_without_libseccomp_there_is_none_and_sandboxes_are_made(
    tmp_path: Path, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "probe").write_bytes(program.read_bytes())
    (root / "bin" / "probe").chmod(0o755)

    class Missing:
        def CDLL(self, *_: object) -> object:  # noqa: N802
            raise OSError("libseccomp.so.2: cannot open shared object file")

    monkeypatch.setattr(seccomp, "ctypes", Missing())
    assert ensure_filter(tmp_path) is None
    assert Sandbox(tmp_path / "tmp", root=root).run(["/bin/probe", "exit", "7"]) == 7

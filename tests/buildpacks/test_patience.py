"""A silent program is spoken of now and then, until it ends."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from cnbkit_pip.engines.patience import fetched, patient

if TYPE_CHECKING:
    from pathlib import Path


def test_lines_come_while_something_runs_and_none_after() -> None:
    lines: list[str] = []
    twice = threading.Event()

    def say(line: str) -> None:
        lines.append(line)
        if len(lines) == 2:
            twice.set()

    with patient(say, "uv compiles", every=0.01):
        assert twice.wait(60)
    count = len(lines)
    assert lines[0].startswith("Still at it after ")
    assert lines[0].endswith(": uv compiles")
    assert not threading.Event().wait(0.1)
    assert len(lines) == count


def test_what_ends_soon_is_not_spoken_of() -> None:
    lines: list[str] = []
    with patient(lines.append, "uv compiles"):
        pass
    assert lines == []


def test_what_uv_has_fetched_is_counted(tmp_path: Path) -> None:
    assert fetched(str(tmp_path)) == ""
    for name in ("one", "two"):
        package = tmp_path / "archive-v0" / name / "lib"
        package.mkdir(parents=True)
        (package / "data").write_bytes(bytes(750_000))
    (tmp_path / "archive-v0" / ".tmp").mkdir()
    assert fetched(str(tmp_path)) == "2 packages and 1.5 MB unpacked by now"


def test_a_line_says_how_much_is_done() -> None:
    lines: list[str] = []
    once = threading.Event()

    def say(line: str) -> None:
        lines.append(line)
        once.set()

    with patient(say, "uv compiles", every=0.01, so_far=lambda: "2 packages"):
        assert once.wait(60)
    assert lines[0].endswith(": uv compiles, 2 packages")

"""A silent program is spoken of now and then, until it ends."""

from __future__ import annotations

import threading

from cnbkit_pip.engines.patience import patient


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

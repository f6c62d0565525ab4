"""A program that runs: how long nothing has been shown of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

from cnbkit import running

if TYPE_CHECKING:
    import pytest


def test_a_program_that_is_shown_is_not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[float] = []
    now = [0.0]
    monkeypatch.setattr(running, "time", SimpleNamespace(monotonic=lambda: now[0]))
    silence = running.Silence("sh", 9, lambda seconds, _: told.append(seconds))
    for second in (4, 8, 12, 16):
        now[0] = second
        silence.look()
        silence.end()
    assert told == []
    now[0] = 25
    silence.look()
    assert (told, silence.left) == ([25], 9)

"""Nothing that a terminal would carry out reaches it, wherever the text is from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cnbkit_engine.cli
from cnbkit_engine.cli.say import plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü 日本", "plain ü 日本"),
        ("a\tb\nc", "a\tb\nc"),
        ("a\r\nb", "a\nb"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Hx", "x"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0\x1b\\x", "x"),
        ("\x9b31mred", "red"),
        ("\x1b]0;never ended", ""),
        ("\x1b]0;never ended\nnext", "\nnext"),
        ("\x1bcx", "x"),
        ("\x1b", ""),
        ("a\rb\bc\x07d\x00e\x7ff", "abcdef"),
        ("\u202eevil\u2066", "evil"),
        ("\udcff", "\\udcff"),
    ],
)
def test_control_sequences_are_left_out(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(st.text(st.characters(max_codepoint=0x2100)) | st.text("\x1b[]m0;\x07\x9b\\Px\n"))
def test_no_text_gets_a_control_character_through(text: str) -> None:
    shown = plain(text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown)
    assert plain(shown) == shown


def test_every_command_prints_by_it() -> None:
    folder = Path(cnbkit_engine.cli.__file__).parent
    printing = {
        path.name
        for path in folder.glob("*.py")
        if re.search(r"click\.(s?echo)\b|\bprint\(", path.read_text())
    }
    assert printing == {"say.py"}

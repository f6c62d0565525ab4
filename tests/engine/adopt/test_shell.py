"""A RUN is cut into commands where a shell would, and nowhere else."""

from __future__ import annotations

import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnbkit_engine.adopt.shell import commands


def texts(text: str) -> list[str]:
    return [each.text for each in commands(text, {})]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a && b; c\nd", ["a", "b", "c", "d"]),
        ("a 'x && y' && b \"p; q\"", ["a 'x && y'", 'b "p; q"']),
        ("a | b && c", ["a | b", "c"]),
        ("a || b && c", ["a || b", "c"]),
        ("(cd x && make) && b", ["(cd x && make)", "b"]),
        ("if a; then b; fi; c", ["if a; then b; fi", "c"]),
        ("for i in 1 2; do a; b; done && c", ["for i in 1 2; do a; b; done", "c"]),
        ("case $a in x) b;; esac; c", ["case $a in x) b;; esac", "c"]),
        ("a $(b && c) && d", ["a $(b && c)", "d"]),
        ("a >/dev/null 2>&1 && b", ["a >/dev/null 2>&1", "b"]),
        ("a & b", ["a", "b"]),
        ("# said\na # more; x\nb", ["a # more; x", "b"]),
        ("echo if && b", ["echo if", "b"]),
    ],
)
def test_commands(text: str, found: list[str]) -> None:
    assert texts(text) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a 'b c' \"d\"", ("a", "b c", "d")),
        ("pip install 'x>=1' y || true", ("pip", "install", "x>=1", "y")),
        ("pip install x>=1.2 y[z]<2", ("pip", "install", "x>=1.2", "y[z]<2")),
        ("a -q >/dev/null 2>&1", ("a", "-q")),
        ("a # said", ("a",)),
        ("a $X ${Y:-z}", ("a", "1", "z")),
    ],
)
def test_a_simple_command_has_words(text: str, words: tuple[str, ...]) -> None:
    (command,) = commands(text, {"X": "1"})
    assert command.words == words


@pytest.mark.parametrize(
    "text", ["a | b", "a > b", "a $(b)", "a `b`", "if a; then b; fi", "[ -f a ]", "(a)", "a < b"]
)
def test_more_than_one_simple_command_has_none(text: str) -> None:
    (command,) = commands(text, {})
    assert command.words is None


def test_assignments_before_a_command_are_its_environment() -> None:
    (command,) = commands("A=1 B='x y' a b=c", {})
    assert (command.env, command.words) == ({"A": "1", "B": "x y"}, ("a", "b=c"))


@given(st.lists(st.text("ab '\"\\$#|;&=", min_size=1, max_size=6), min_size=1, max_size=4))
def test_quoted_words_are_those_that_a_shell_makes(words: list[str]) -> None:
    (command,) = commands(shlex.join(["printf", *words]), {})
    assert command.words == ("printf", *words)


def test_a_shell_makes_the_same_words() -> None:
    text = "printf '%s\\n' a'b c'd \"e f\" g\\ h \"i'j\" 'k\"l'"
    (command,) = commands(text, {})
    assert command.words is not None
    made = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=True).stdout
    assert list(command.words[2:]) == made.splitlines()

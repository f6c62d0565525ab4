"""Expressions of an app: the same as `re` says, in bounded time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnbkit_engine.build.bounded_pattern import BoundedPattern
from cnbkit_engine.build.dockerignore import DockerIgnore
from cnbkit_engine.build.ignore_rules import IgnoreRules

_ATOM = st.sampled_from(
    [
        "a",
        "b",
        "/",
        "[^/]",
        ".",
        r"\.",
        "[a-b]",
        r"\w",
        "[^a]",
        "^",
        r"\Z",
        "(|b)",
        "a|b",
        r"\D",
        r"\b",
        r"\B",
    ]
)
_EXPRESSION = st.recursive(
    _ATOM,
    lambda inner: (
        st.builds(
            "({}){}".format, inner, st.sampled_from(["*", "+", "?", "{0,2}", "{2}", "*?", ""])
        )
        | st.builds("{}{}".format, inner, inner)
    ),
    max_leaves=8,
)


@settings(max_examples=3_000)
@given(expression=_EXPRESSION, text=st.text("ab/.\n", min_size=1, max_size=12), whole=st.booleans())
def test_both_ways_of_matching_say_the_same(expression: str, text: str, whole: bool) -> None:
    slow = BoundedPattern(expression, whole=whole, steps=10**12)
    bounded = BoundedPattern(expression, whole=whole, steps=0)
    assert bounded.matches(text) == slow.matches(text)
    assert bounded.matches(text) == slow.matches(text)  # what it has learned, too


@pytest.mark.parametrize("expression", [r"(?=a)b", r"(a)\1", "((a{1000}){1000}){1000}", "(", "a**"])
def test_what_go_has_not_is_no_expression(expression: str) -> None:
    with pytest.raises(ValueError, match=r"[a-z]"):
        BoundedPattern(expression)


@pytest.mark.parametrize("end", ["b", "c"])
def test_stars_without_number_end_in_time(end: str) -> None:
    path = "a" * 3_000 + "b"
    assert DockerIgnore("a*" * 1_000 + end).match(path) == (end == "b")
    assert IgnoreRules(["a*" * 1_000 + end]).match(path) == (end == "b")
    assert IgnoreRules([f"(a+)+{end}"]).match(path) == (end == "b")

"""Words and variables, by the rules of Dockerfiles."""

from __future__ import annotations

import pytest

from cnbkit_engine.spec.dockerfile import assignments, expanded, split

VALUES = {"A": "one", "E": "", "V": "1.2.3", "P": "/x/y.tar.gz"}


@pytest.mark.parametrize(
    ("word", "made"),
    [
        ("$A", "one"),
        ("${A}b", "oneb"),
        ("$Ab", "$Ab"),
        ("$NONE/${NONE}", "$NONE/${NONE}"),
        ("${NONE:-two}", "two"),
        ("${E:-two}", "two"),
        ("${E-two}", ""),
        ("${A:+yes}", "yes"),
        ("${NONE:+yes}", ""),
        ("${NONE:-${A}}", "one"),
        ("${A:?must}", "one"),
        ("${V%.*}", "1.2"),
        ("${V%%.*}", "1"),
        ("${V#*.}", "2.3"),
        ("${V##*.}", "3"),
        ("${P/x/z}", "/z/y.tar.gz"),
        ("${V//./-}", "1-2-3"),
        ("'$A'", "$A"),
        ('"$A b"', "one b"),
        ("\\$A", "$A"),
        ('"a\\"b"', 'a"b'),
        ('"a\\nb"', "a\\nb"),
        ("a\\ b", "a b"),
        ("$", "$"),
        ("${A", "one"),
    ],
)
def test_variables_and_quotes(word: str, made: str) -> None:
    assert expanded(word, VALUES) == made


def test_another_escape_character() -> None:
    assert expanded("`$A \\x", VALUES, "`") == "$A \\x"


def test_words_are_what_stands_between_blanks_that_are_in_no_quotes() -> None:
    assert split("a  'b c'\t\"d $A\" e\\ f", VALUES) == ["a", "b c", "d one", "e f"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('A=1 B="x y" C=z\\ z', {"A": "1", "B": "x y", "C": "z z"}),
        ("A x  y", {"A": "x  y"}),
        ("A $A", {"A": "one"}),
        ("A=b=c", {"A": "b=c"}),
        ('"d e"=f', {"d e": "f"}),
    ],
)
def test_both_forms_of_assignments(text: str, found: dict[str, str]) -> None:
    assert assignments(text, VALUES) == found

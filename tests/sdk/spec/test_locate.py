"""Lines of keys, against what the writer of the text knows."""

from __future__ import annotations

from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from cnbkit.spec.positions import line_of, lines
from cnbkit.spec.toml import decode, encode

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.text("a\"\\'\n#[]{}=,.")
TABLES = st.dictionaries(
    TEXT,
    st.recursive(
        st.booleans() | st.integers() | st.floats(allow_nan=False) | st.datetimes() | TEXT,
        lambda each: st.lists(each, max_size=3) | st.dictionaries(TEXT, each, max_size=3),
        max_leaves=10,
    ),
    max_size=4,
)
TRICKY = """\
a.b = 1 # [c]
"q.\\u0064" = '''
one''
"""  # 4 lines, then
TRICKY += (
    """\
'''
m = """
    '"""'
    """ \\" x
\\"""
    '""""""'
    """
l = [ # comment ]
  1, "#", [2,
  3], {x = [4], y.z = '}'},
]
[ t . "u v" ]
k=1979-05-27T07:32:00Z
[[r]]
[[r.s]]
n = 1
[[r.s]]
n = 2
[[r]]
[r.s]
n = 3
"""
)


def _paths(value: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(value, dict):
        below = [each for key, item in value.items() for each in _paths(item, (*at, key))]
    elif isinstance(value, list):
        below = [each for key, item in enumerate(value) for each in _paths(item, (*at, key))]
    else:
        below = []
    return [at, *below] if at else below


@given(TABLES)
def test_every_key_of_any_text_is_found(table: dict[str, Any]) -> None:
    for text in (encode(table), tomli_w.dumps(table)):
        assert set(lines(text)) == set(_paths(table))
        assert lines(text.replace("\n", "\r\n")) == lines(text)


def test_each_key_is_on_its_line() -> None:
    assert set(lines(TRICKY)) == set(_paths(decode(TRICKY, name="x")))
    found = lines(TRICKY)
    text = TRICKY.split("\n")
    for path, start in [
        (("a", "b"), "a.b"),
        (("q.d",), '"q'),
        (("m",), "m ="),
        (("l", 0), "  1,"),
        (("l", 2), "  1,"),
        (("l", 2, 1), "  3]"),
        (("l", 3, "y", "z"), "  3]"),
        (("t", "u v"), "[ t"),
        (("t", "u v", "k"), "k="),
        (("r", 0, "s", 1), "[[r.s"),
        (("r", 1), "[[r]]"),
        (("r", 1, "s", "n"), "n = 3"),
    ]:
        assert text[found[path] - 1].startswith(start), path
    assert found["r", 0, "s", 1] == found["r", 0, "s", 1, "n"] - 1
    assert found["r", 0, "s", 0, "n"] < found["r", 0, "s", 1, "n"]


@pytest.mark.parametrize(
    ("path", "line"),
    [(("a", "b", "c"), 2), (("a", "missing"), 1), (("x",), None), ((), None)],
)
def test_what_is_missing_is_looked_for_around_it(
    path: tuple[str | int, ...], line: int | None
) -> None:
    assert line_of(path, lines("[a]\nb = 1\n")) == line

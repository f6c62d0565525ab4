"""A treemap is exact: each share has its area, and the whole is filled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnbkit_engine.page.treemap import Rectangle, squarified

SHARES = st.lists(st.integers(1, 10**9), min_size=1, max_size=40).map(
    lambda found: sorted(found, reverse=True)
)
WHOLES = st.builds(
    Rectangle, st.just(0.0), st.integers(0, 20), st.integers(1, 300), st.integers(1, 300)
)


@given(SHARES, WHOLES)
def test_areas_are_the_shares(shares: list[int], whole: Rectangle) -> None:
    found = squarified(shares, whole)
    area = whole.width * whole.height
    for share, each in zip(shares, found, strict=True):
        assert each.width * each.height == pytest.approx(area * share / sum(shares), rel=1e-6)


@given(SHARES, WHOLES)
def test_rectangles_are_within_the_whole_and_apart(shares: list[int], whole: Rectangle) -> None:
    found = squarified(shares, whole)
    edge = 1e-6 * max(whole.width, whole.height)
    for each in found:
        assert each.left >= whole.left - edge
        assert each.top >= whole.top - edge
        assert each.left + each.width <= whole.left + whole.width + edge
        assert each.top + each.height <= whole.top + whole.height + edge
    for place, one in enumerate(found):
        for other in found[place + 1 :]:
            across = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
            down = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
            assert min(across, down) <= edge


def test_equal_shares_are_nearly_squares() -> None:
    found = squarified([1] * 9, Rectangle(0, 0, 90, 90))
    assert max(max(each.width / each.height, each.height / each.width) for each in found) < 2.1


def test_nothing_has_no_rectangles() -> None:
    assert squarified([], Rectangle(0, 0, 1, 1)) == []

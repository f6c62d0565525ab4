"""What docs/security.md promises names the test that proves it."""

from __future__ import annotations

import re

import pytest

from .blocks import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()


def test_every_test_it_names_is_there() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", PAGE))
    assert len(named) >= 5
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("heading", re.findall(r"^\| what holds \|.*$", PAGE, re.M))
def test_every_line_of_what_holds_has_one(heading: str) -> None:
    rows = PAGE.split(heading, 1)[1].split("\n\n", 1)[0].strip().splitlines()[1:]
    assert rows
    for row in rows:
        assert re.search(r"`tests/[\w/]+\.py`", row), row

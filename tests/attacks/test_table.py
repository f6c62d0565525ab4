"""The table of counts in docs/security.md says what was run, and no more."""

from __future__ import annotations

import pytest

from .table import PAGE, ROOT, Case, cases, sections, table, with_table

DOCUMENT = """# Security
## Files
| a | `tests/a/test_one.py` |
| b | `tests/b2/test_two.py`, `tests/a/test_one.py` |
## Network
| c | `tests/c/test_three.py` and again `tests/a/test_one.py` |
## Nothing
no tests
"""
REPORT = """<testsuites><testsuite>
<testcase classname="tests.a.test_one" name="test_x[root]"/>
<testcase classname="tests.a.test_one" name="test_x[an ordinary user]"/>
<testcase classname="tests.b2.test_two" name="test_y[root of a user's namespace]"/>
<testcase classname="tests.b2.test_two" name="test_z[ordinary-build]"><failure/></testcase>
<testcase classname="tests.c.test_three" name="test_plain"/>
<testcase classname="tests.c.test_three" name="test_plain[case]"><error/></testcase>
<testcase classname="tests.c.test_three" name="test_left[root-run]"><skipped/></testcase>
</testsuite></testsuites>"""


def test_each_file_is_counted_once_where_the_page_first_names_it() -> None:
    assert sections(DOCUMENT) == {
        "Files": ["tests/a/test_one.py", "tests/b2/test_two.py"],
        "Network": ["tests/c/test_three.py"],
    }


def test_what_failed_has_not_survived_and_what_was_not_begun_was_not_tried() -> None:
    assert table(DOCUMENT, cases(REPORT), "root").splitlines()[2:] == [
        "| Files | 1 of 1 | 2 of 3 |",
        "| Network | 1 of 2 | none |",
        "| all | 2 of 3 | 2 of 3 |",
    ]


def test_tests_that_name_no_user_are_of_whoever_runs_them() -> None:
    assert Case("tests/x.py", "test_a[http-1]", survived=True).by("ordinary") == "ordinary"
    assert Case("tests/x.py", "test_a[root-build]", survived=True).by("ordinary") == "root"


def test_the_page_names_tests_that_exist_and_has_a_place_for_the_table() -> None:
    page = PAGE.read_text()
    files = [name for names in sections(page).values() for name in names]
    assert len(files) > 20
    assert [name for name in files if not (ROOT / name).is_file()] == []
    assert "| x |" in with_table(page, "| x |\n")
    with pytest.raises(ValueError, match="no place"):
        with_table(DOCUMENT, "")

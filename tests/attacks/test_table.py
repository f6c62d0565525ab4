"""The table of counts in docs/security.md says what was run, and no more."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .table import (
    PAGE,
    ROOT,
    Case,
    Counts,
    cases,
    counted,
    read,
    sections,
    table,
    with_table,
)

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
    counts = counted(cases(REPORT), "root")
    written = table(DOCUMENT, counts)
    assert written.splitlines()[2:] == [
        "| **Files** | 1 of 1 | 2 of 3 |",
        "| `tests/a/test_one.py` | 1 of 1 | 1 of 1 |",
        "| `tests/b2/test_two.py` | none | 1 of 2 |",
        "| **Network** | 1 of 2 | none |",
        "| `tests/c/test_three.py` | 1 of 2 | none |",
        "| **all** | 2 of 3 | 2 of 3 |",
    ]
    assert read(with_table(PAGE.read_text(), written)) == counts


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


def collected() -> Counts:
    """As if all tests that the page names had been run by root, and had survived."""
    page = PAGE.read_text()
    files = [name for names in sections(page).values() for name in names]
    command = [sys.executable, "-m", "pytest", "-m", "", "-q", "--collect-only", "-n0", *files]
    listed = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    found = [line.split("::", 1) for line in listed.stdout.splitlines() if "::" in line]
    return counted([Case(file, name, survived=True) for file, name in found], "root")


def test_the_table_has_tests_that_the_page_names_and_no_others() -> None:
    page = PAGE.read_text()
    named = {name for names in sections(page).values() for name in names}
    assert len(read(page)) > 20
    assert read(page).keys() <= named, "make attack-table"


def test_each_line_of_the_table_that_root_wrote_adds_up() -> None:
    page = PAGE.read_text()
    assert table(page, read(page)) in page


@pytest.mark.nightly
def test_the_table_counts_the_attacks_that_there_are() -> None:
    """By night: whoever adds one is not kept from it by half an hour of other attacks."""
    assert read(PAGE.read_text()) == collected(), "make attack-table, of some with FILES=…"

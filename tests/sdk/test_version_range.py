"""Ranges of versions, in npm's notation and in Python's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from cnbkit.version_range import VersionRange, version_key

# What npm's own semver 7 answers.
INSIDE = [
    ("*", "0.0.1"),
    ("", "1.2.3"),
    ("20", "20.11.1"),
    ("20.*", "20.0.0"),
    ("20.x", "20.11.1"),
    ("=1.2", "1.2.9"),
    ("^1.2.3", "1.9.0"),
    ("^0.2.3", "0.2.9"),
    ("^0.0.3", "0.0.3"),
    ("^0.0", "0.0.9"),
    ("^0", "0.9.0"),
    ("~1.2.3", "1.2.9"),
    ("~1", "1.9.0"),
    ("~ 1.2", "1.2.0"),
    (">=18 <21", "20.11.1"),
    (">=18, <21", "18.0.0"),
    (">1.2", "1.3.0"),
    ("<=1.2", "1.2.9"),
    ("1.2 - 2.3", "2.3.9"),
    ("1.2.3 - 2.3.4", "2.3.4"),
    ("18 || 20", "20.1.0"),
    (">=1.2.3-rc.1", "1.2.3-rc.2"),
    (">=1.2.3-rc.1 <2", "1.2.3"),
    ("v1.2.3", "1.2.3+build.5"),
    ("17.*", "17.0.9.1+11"),
]
OUTSIDE = [
    ("*", "1.0.0-rc.1"),
    ("20", "21.0.0"),
    ("20", "20.0.0-rc.1"),
    ("^1.2.3", "2.0.0"),
    ("^1.2.3", "1.2.2"),
    ("^0.2.3", "0.3.0"),
    ("^0.0.3", "0.0.4"),
    ("~1.2.3", "1.3.0"),
    (">=18 <21", "21.0.0"),
    ("<21", "21.0.0-rc.1"),
    (">=21.0.0-beta <21", "21.0.0-rc.1"),
    (">1.2", "1.2.9"),
    ("<1.2", "1.2.0"),
    ("1.2.3 - 2.3.4", "2.3.5"),
    ("18 || 20", "19.0.0"),
    (">=1.2.3-rc.1", "1.2.4-rc.1"),
    (">*", "1.0.0"),
]
NO_RANGE = ["abc", "1.2.3.", ">=", "1.x.3", "^", "1 ||| 2", "==1.2", "1.2.x-rc.1", "20.*.1"]


@pytest.mark.parametrize(("text", "version"), INSIDE)
def test_a_version_is_in_a_range(text: str, version: str) -> None:
    assert version in VersionRange(text)


@pytest.mark.parametrize(("text", "version"), OUTSIDE)
def test_a_version_is_not_in_a_range(text: str, version: str) -> None:
    assert version not in VersionRange(text)


@pytest.mark.parametrize("text", NO_RANGE)
def test_what_is_no_range_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="not a range of versions"):
        VersionRange(text)


def test_versions_are_in_semvers_own_order() -> None:
    # semver.org, 11.
    order = [
        *("1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2"),
        *("1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.0.1", "1.2.0", "1.10.0"),
    ]
    assert sorted(sorted(order), key=version_key) == order
    with pytest.raises(ValueError, match=r"'1\.0\.0\.Final' is not a version"):
        version_key("1.0.0.Final")


PARTS = st.lists(st.integers(0, 12).map(str), min_size=1, max_size=3).map(".".join)
SIGNS = st.sampled_from([">=", "<", "==", "!=", "~="])


@given(st.lists(st.tuples(SIGNS, PARTS), max_size=3), PARTS)
def test_pep_440_is_what_packaging_says(ranges: list[tuple[str, str]], version: str) -> None:
    text = ",".join(f"{sign}{each}{'.0' if sign == '~=' else ''}" for sign, each in ranges)
    assert (version in VersionRange(text, "pep440")) == (Version(version) in SpecifierSet(text))
    assert version_key(version, "pep440") == Version(version)


def test_what_is_no_specifier_is_told() -> None:
    assert "3.12.1" in VersionRange("*", "pep440")
    with pytest.raises(ValueError, match=r"'3\.x' is not a range of versions"):
        VersionRange("3.x", "pep440")

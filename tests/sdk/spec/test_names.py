"""Names the specification constrains."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnbkit.spec import names

if TYPE_CHECKING:
    from collections.abc import Callable

CHECKS = (
    names.api_version,
    names.buildpack_id,
    names.layer_name,
    names.process_type,
    names.version,
)


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (names.buildpack_id, "acme/python.pip-1"),
        (names.buildpack_id, "a..b"),
        (names.version, "0.0.0"),
        (names.version, "10.20.30"),
        (names.api_version, "0.10"),
        (names.api_version, "0.12"),
        (names.layer_name, "site_packages-1"),
        (names.layer_name, "sbom"),
        (names.process_type, "web.v2_a-b"),
        # A link of this name starts the process; files of a layer have longer ones.
        (names.process_type, "w" * 255),
        (names.layer_name, "l" * 240),
    ],
)
def test_a_good_name_comes_back_unchanged(check: Callable[[str], str], value: str) -> None:
    assert check(value) == value


@pytest.mark.parametrize(
    ("check", "value", "said"),
    [
        (names.buildpack_id, "", "nothing"),
        (names.buildpack_id, "bad id!!", "'!'"),
        (names.buildpack_id, "pythön", "'ö'"),
        (names.buildpack_id, "SBOM", "reserved"),
        (names.buildpack_id, "app", "reserved"),
        (names.buildpack_id, "config", "reserved"),
        (names.buildpack_id, "generated", "reserved"),
        (names.buildpack_id, "..", "reserved"),
        (names.version, "1.2", "X.Y.Z"),
        (names.version, "1.2.3.4", "X.Y.Z"),
        (names.version, "01.2.3", "X.Y.Z"),
        (names.version, "1..3", "X.Y.Z"),
        (names.version, "1.2.-3", "X.Y.Z"),
        (names.version, "1.2.3rc1", "X.Y.Z"),
        (names.version, "1.2.\u0663", "X.Y.Z"),
        (names.version, "not-semver", "X.Y.Z"),
        (names.api_version, "0.9", "older than 0.10"),
        (names.api_version, "0.13", "0.10, 0.11 and 0.12"),
        (names.layer_name, "build", "build.toml"),
        (names.layer_name, "launch", "launch.toml"),
        (names.layer_name, "store", "store.toml"),
        (names.layer_name, "py3.11", "'.'"),
        (names.layer_name, "../evil", "'/'"),
        (names.layer_name, "..", "'.'"),
        (names.layer_name, "a\0b", "x00"),
        (names.layer_name, "", "nothing"),
        (names.process_type, "a/b", "'/'"),
        (names.process_type, "..", "file"),
        (names.process_type, "web ", "' '"),
        (names.process_type, "w" * 256, "256 letters"),
        (names.layer_name, "l" * 241, "241 letters"),
    ],
)
def test_a_bad_name_is_refused_and_the_message_shows_why(
    check: Callable[[str], str], value: str, said: str
) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        check(value)
    assert said in str(refused.value)


@given(st.sampled_from(CHECKS), st.text())
def test_any_text_is_either_accepted_as_it_is_or_refused(
    check: Callable[[str], str], value: str
) -> None:
    with suppress(ValueError):
        assert check(value) == value


@given(st.text(alphabet="aZ0./-_\\ \0é", max_size=8))
def test_an_accepted_layer_name_names_one_entry_of_its_directory(value: str) -> None:
    try:
        names.layer_name(value)
    except ValueError:
        return
    assert value
    assert "/" not in value
    assert "." not in value
    assert value.isascii()

from __future__ import annotations

import time

import pytest

from cnbkit.errors import UserFault
from cnbkit_engine.build.creation_time import creation_time


@pytest.mark.parametrize(
    ("option", "variable", "found"),
    [
        ("", None, ""),
        ("", "1735689600", "1735689600"),
        ("1700000000", "1735689600", "1700000000"),
        ("0", None, "0"),
    ],
)
def test_the_option_counts_before_the_variable(
    option: str, variable: str | None, found: str
) -> None:
    environment = {} if variable is None else {"SOURCE_DATE_EPOCH": variable}
    assert creation_time(option, environment) == found


def test_now_is_now() -> None:
    before = int(time.time())
    assert before <= int(creation_time("now", {})) <= time.time()


@pytest.mark.parametrize(
    ("option", "environment", "where"),
    [
        ("yesterday", {}, "--creation-time"),
        ("1.5", {}, "--creation-time"),
        ("²", {}, "--creation-time"),
        ("", {"SOURCE_DATE_EPOCH": "2025-01-01"}, "SOURCE_DATE_EPOCH"),
    ],
)
def test_what_is_no_time_is_told(option: str, environment: dict[str, str], where: str) -> None:
    with pytest.raises(UserFault, match="is not a creation time") as caught:
        creation_time(option, environment)
    assert caught.value.where == where

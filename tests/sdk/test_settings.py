"""BP_* variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit import Settings, UserFault

if TYPE_CHECKING:
    from pathlib import Path


def test_a_variable_comes_without_the_white_space_around_it() -> None:
    assert Settings({"BP_A": " x y\n"}, "").get("BP_A") == "x y"


def test_an_unset_or_empty_variable_gives_the_default() -> None:
    assert Settings({}, "").get("BP_A", "d") == "d"
    assert Settings({"BP_A": " \n"}, "").get("BP_A", "d") == "d"
    assert Settings({}, "").get("BP_A") == ""


def test_the_platforms_file_stands_in_for_a_missing_variable(tmp_path: Path) -> None:
    """The lifecycle gives a buildpack with clear-env no user variables, only their files."""
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "BP_A").write_bytes(b"from file \xff\n")
    settings = Settings({}, str(tmp_path))
    assert settings.get("BP_A") == "from file \udcff"
    assert Settings({"BP_A": "x"}, str(tmp_path)).get("BP_A") == "x"
    assert Settings({"BP_A": ""}, str(tmp_path)).get("BP_A", "d") == "d"


def test_a_platform_without_such_a_file_gives_the_default(tmp_path: Path) -> None:
    (tmp_path / "env" / "BP_DIRECTORY").mkdir(parents=True)
    for platform in (tmp_path, tmp_path / "absent", tmp_path / "env" / "BP_DIRECTORY"):
        assert Settings({}, str(platform)).get("BP_DIRECTORY", "d") == "d"


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        *(("1", True), ("TRUE", True), ("yes", True), (" on\n", True)),
        *(("0", False), ("False", False), ("no", False), ("off", False)),
    ],
)
def test_yes_and_no_have_the_usual_spellings(value: str, meant: bool) -> None:
    assert Settings({"BP_A": value}, "").flag("BP_A", default=not meant) is meant


@pytest.mark.parametrize("default", [True, False])
@pytest.mark.parametrize("env", [{}, {"BP_A": ""}])
def test_an_unset_or_empty_flag_gives_the_default(env: dict[str, str], default: bool) -> None:
    assert Settings(env, "").flag("BP_A", default) is default


def test_a_flag_that_is_neither_is_the_users_fault_and_says_the_remedy() -> None:
    with pytest.raises(UserFault) as caught:
        Settings({"BP_A": "maybe"}, "").flag("BP_A")
    assert str(caught.value) == (
        "Error: BP_A is 'maybe', which is neither yes nor no\n"
        "  where: BP_A\n"
        "  to do: set BP_A to true or false"
    )

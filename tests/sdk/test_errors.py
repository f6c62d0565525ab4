"""Faults: what they say and the exit status they end with."""

from __future__ import annotations

import pytest

from cnbkit import BuildpackFault, CnbkitError, CommandFailed, PlatformFault, UserFault
from cnbkit.errors import Fault, InvalidDocument


@pytest.mark.parametrize(
    ("kind", "code", "blame"),
    [
        (UserFault, 65, "your app"),
        (PlatformFault, 69, "the platform"),
        (BuildpackFault, 70, "the buildpack"),
        (CnbkitError, 70, "cnbkit"),
    ],
)
def test_who_can_mend_a_fault_is_in_its_type_and_exit_status(
    kind: type[CnbkitError], code: int, blame: str
) -> None:
    assert (kind.exit_code, kind.blame) == (code, blame)
    assert issubclass(kind, CnbkitError)


@pytest.mark.parametrize(
    "error", [CommandFailed(["x"], 1, "out"), InvalidDocument("x", [Fault((), "wrong")])]
)
def test_every_fault_can_be_caught_as_one_of_cnbkits(error: Exception) -> None:
    assert isinstance(error, CnbkitError)


def test_a_fault_shows_one_part_a_line() -> None:
    fault = UserFault("it is wrong", where="f:3", remedy="mend it\nor not", detail="a\n\nb")
    assert str(fault) == (
        "Error: it is wrong\n"
        "  where: f:3\n"
        "  to do: mend it\n"
        "         or not\n"
        "  detail:\n"
        "    a\n"
        "    \n"
        "    b"
    )


def test_parts_that_are_not_given_are_left_out() -> None:
    assert str(CnbkitError("it is wrong")) == "Error: it is wrong"


def test_a_fault_in_a_document_is_placed_by_path_and_line() -> None:
    assert str(Fault(("a", 0, "b-c", 1, 2), "bad")) == "a[0].b-c[1][2]: bad"
    assert str(Fault((0, "a"), "bad", line=7)) == "line 7: [0].a: bad"
    assert str(Fault((), "bad", line=7)) == "line 7: bad"


def test_all_faults_of_a_file_come_as_one_in_the_order_of_its_lines() -> None:
    fault = UserFault.of("f", [(12, "late"), (3, "early"), (3, "early")], remedy="write x")
    assert type(fault) is UserFault
    assert str(fault).splitlines() == [
        "Error: f has 2 faults",
        "  where: f",
        "  to do: write x",
        "  detail:",
        "    f:3: early",
        "    f:12: late",
    ]
    one = UserFault.of("f", [(3, "early")], remedy="write x")
    assert (one.what, one.where, one.detail) == ("f: early", "f:3", None)
    many = UserFault.of("f", [(line, "x") for line in range(60)], remedy="write x")
    assert str(many.detail).endswith("f:49: x\nand 10 more")


def test_a_line_that_fills_screens_is_shown_by_its_ends() -> None:
    shown = str(UserFault(f"a{'x' * 100_000}z is wrong", remedy="write a short one"))
    first, second = shown.splitlines()
    assert first.startswith("Error: axxx")
    assert first.endswith("z is wrong")
    assert len(first) < 2_000
    assert second == "  to do: write a short one"

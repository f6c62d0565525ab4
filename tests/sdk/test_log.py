"""What shows at which level."""

from __future__ import annotations

import threading

import pytest

from cnbkit.log import Log


@pytest.mark.parametrize(
    ("setting", "shown"),
    [
        ("", "HIW"),
        ("info", "HIW"),
        (" DEBUG ", "HIDW"),
        ("trace", "HIDW"),
        ("warn", "W"),
        ("Warning", "W"),
        ("error", ""),
        ("nonsense", "HIW"),
    ],
)
def test_a_level_shows_its_own_and_what_matters_more(
    capsys: pytest.CaptureFixture[str], setting: str, shown: str
) -> None:
    log = Log.from_setting(setting)
    log.heading("H")
    log.info("I")
    log.debug("D")
    log.warning("W")
    said = capsys.readouterr()
    assert (said.out + said.err).replace("Warning: ", "").split() == list(shown)
    with log.timed("T"):
        pass
    assert ("T ..." in capsys.readouterr().out) == ("I" in shown)


def test_a_long_step_says_how_far_it_is_and_nothing_when_it_is_over(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = threading.Event()

    def so_far() -> str:
        said.set()
        return "12 of 90 MB"

    step = Log().timed("Downloading", so_far)
    step.every = 0.01
    with step:
        assert said.wait(60)
    [first, *ticks, last] = capsys.readouterr().out.splitlines()
    assert first == "  Downloading ..."
    assert last.startswith("    done in ")
    assert {each.partition(" s: ")[2] for each in ticks} == {"Downloading: 12 of 90 MB"}
    assert not threading.Event().wait(0.1)
    assert capsys.readouterr().out == ""


def test_a_step_that_is_soon_over_says_only_that(capsys: pytest.CaptureFixture[str]) -> None:
    with Log().timed("Downloading"):
        pass
    first, last = capsys.readouterr().out.splitlines()
    assert first == "  Downloading ..."
    assert last.startswith("    done in ")


def test_what_is_still_worked_on_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log()
    log.still(9.4, "uv")
    assert capsys.readouterr().out == "    9 s: uv\n"
    with log.timed("Downloading"):
        log.still(9.4, "uv")
    assert "uv" not in capsys.readouterr().out
    log.still(18, "uv")
    assert capsys.readouterr().out == "    18 s: uv\n"


@pytest.mark.parametrize(
    ("number", "noun", "plural", "text"),
    [
        (0, "package", "", "0 packages"),
        (1, "package", "", "1 package"),
        (2, "package", "", "2 packages"),
        (1, "library", "libraries", "1 library"),
        (3, "library", "libraries", "3 libraries"),
    ],
)
def test_a_noun_is_in_the_number_of_what_is_counted(
    number: int, noun: str, plural: str, text: str
) -> None:
    assert Log.counted(number, noun, plural) == text

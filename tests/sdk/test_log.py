"""What shows at which level."""

from __future__ import annotations

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

"""When the parts of a build began."""

from __future__ import annotations

from cnbkit_engine.lifecycle.timeline import Mark, Timeline


def test_phases_and_the_headings_of_buildpacks() -> None:
    seconds = iter((100.0, 100.5, 101.0, 102.0, 104.0))
    timeline = Timeline(lambda: next(seconds))
    for line in (
        *("===> DETECTING", "cnbkit/pip 0.1.0", "===> BUILDING", "pip 0.1.0", "  numpy 2.1.0"),
        *("Python 3.11.2 of the base image, 3.11", "===> EXPORTING", "start 0.1.0"),
    ):
        timeline.line(line)
    assert timeline.marks == [
        Mark("detecting", True, 0.5),
        Mark("building", True, 1.0),
        Mark("pip", False, 2.0),
        Mark("exporting", True, 4.0),
    ]

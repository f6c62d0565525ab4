"""What is last on the screen when a build ends: the fault itself, not that there is one."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from cnbkit_engine.lifecycle.failure import BuildFailed
from cnbkit_engine.lifecycle.output import Narrator

LOG = Path("/home/me/last.log")
FAULT = "Error: no such package\n  where: requirements.txt:1\n  to do: write flask"
OF_DETECT = f"""\
===> DETECTING
======== Output: cnbkit/start@0.1.0 ========
{FAULT}
======== Results ========
err: cnbkit/start@0.1.0 (65)
ERROR: failed to detect: buildpack(s) failed with err
"""
OF_BUILD = f"===> BUILDING\n{FAULT}\nERROR: failed to build: exit status 65\n"
FOREIGN = "===> BUILDING\nsomething broke\nERROR: failed to build: exit status 1\n"


def ended(output: str, code: int, *, verbose: bool) -> str:
    """All that is on the screen of a build whose lifecycle printed `output`."""
    shown: list[str] = []
    narrator = Narrator(shown.append, io.StringIO(), verbose=verbose)
    for line in output.splitlines():
        narrator.line(line)
    return "\n".join([*shown, str(BuildFailed(code, LOG, told=narrator.told))])


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize(("output", "code"), [(OF_DETECT, 21), (OF_BUILD, 51)])
def test_a_fault_that_a_buildpack_tells_is_the_only_error(
    output: str, code: int, verbose: bool
) -> None:
    screen = ended(output, code, verbose=verbose)
    assert screen.count("Error: ") == 1
    assert FAULT in screen
    assert screen.splitlines()[-1] == f"Nothing was built. The log: {LOG}"


@pytest.mark.parametrize("after", ["other 1.0\n", "===> EXPORTING\n"])
def test_an_error_that_a_buildpack_went_on_with_is_not_why_the_build_ended(after: str) -> None:
    screen = ended(f"===> BUILDING\n{FAULT}\n{after}", 62, verbose=False)
    assert "Error: the build failed" in screen.splitlines()


def test_where_no_buildpack_says_what_is_wrong_the_phase_is_told() -> None:
    screen = ended(FOREIGN, 51, verbose=False)
    assert screen.splitlines()[-3:] == [
        "Error: a buildpack failed",
        f"  where: log: {LOG}",
        "  to do: see above what it says",
    ]

"""What is last on the screen when a build ends: the fault itself, not that there is one."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from cnbkit_engine.lifecycle.failure import BuildFailed, told_of_disk
from cnbkit_engine.lifecycle.output import Narrator

if TYPE_CHECKING:
    from cnbkit_engine.lifecycle.phase_sandbox import PhaseSandboxes

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


RESTORE = (
    "ERROR: failed to restore: restoring data: write /layers/pip/wheels.sbom.cdx.json:"
    " copy_file_range: {}"
)


@pytest.mark.parametrize(
    ("line", "what", "folder"),
    [
        (RESTORE.format("no space left on device"), "the disk is full", "tmp"),
        (RESTORE.format("disk quota exceeded"), "the disk quota is used up", "tmp"),
        (RESTORE.format("too many open files"), "too many open files", "tmp"),
        ("ERROR: failed to cache: write /cache/x: no space left on device", "disk is full", "c"),
    ],
)
def test_what_the_disk_did_to_the_lifecycle_is_told_as_that(
    tmp_path: Path, line: str, what: str, folder: str
) -> None:
    (tmp_path / "tmp").mkdir()
    there = SimpleNamespace(scratch=tmp_path / "tmp", cache=tmp_path / "c")
    told = told_of_disk(line, cast("PhaseSandboxes", there))
    assert told
    assert str(told).startswith("Error: the build cannot go on: ")
    assert what in str(told).splitlines()[0]
    assert f"where: {tmp_path / folder}" in str(told)


def test_of_a_line_that_is_about_no_disk_nothing_is_said(tmp_path: Path) -> None:
    there = SimpleNamespace(scratch=tmp_path, cache=tmp_path)
    assert told_of_disk("ERROR: failed to build: x", cast("PhaseSandboxes", there)) is None

from __future__ import annotations

import io

import pytest

from cnbkit_engine.lifecycle.output import Narrator

BUILD = """\
===> ANALYZING
Image with name "store.localhost:5095/x" not found
===> DETECTING
cnbkit/pip 0.1.0
===> RESTORING
Restoring metadata for "cnbkit/pip:lock" from cache
===> BUILDING
pip 0.1.0
  requirements.txt unchanged
===> EXPORTING
Warning: Did not find SBOM lifecycle.sbom.cdx.json in /cnb/lifecycle
Warning: something else
Adding layer 'cnbkit/pip:site'
Reusing layer 'cnbkit/pip:light-wheels-0'
Reusing cache layer 'cnbkit/pip:lock'
Added 1/1 app layer(s)
*** Images (sha256:abc):
      store.localhost:5095/x
"""


def tell(text: str, *, verbose: bool = False) -> tuple[Narrator, list[str], str]:
    shown: list[str] = []
    log = io.StringIO()
    narrator = Narrator(shown.append, log, verbose=verbose)
    for line in text.splitlines():
        narrator.line(line)
    return narrator, shown, log.getvalue()


def test_how_far_the_engine_has_come_is_shown_and_kept() -> None:
    shown: list[str] = []
    log = io.StringIO()
    narrator = Narrator(shown.append, log, verbose=False)
    narrator.line("===> EXPORTING")
    narrator.progress("    512 MB compressed, 1 of 4 layers done")
    assert shown == ["Exporting the image ...", "    512 MB compressed, 1 of 4 layers done"]
    assert log.getvalue().endswith("512 MB compressed, 1 of 4 layers done\n")


def test_a_person_sees_what_the_buildpacks_say_and_little_else() -> None:
    _, shown, log = tell(BUILD)
    assert shown == [
        "pip 0.1.0",
        "  requirements.txt unchanged",
        "Exporting the image ...",
        "Warning: something else",
    ]
    assert log == BUILD


def test_with_verbose_everything_is_shown() -> None:
    _, shown, _ = tell(BUILD, verbose=True)
    assert shown == BUILD.splitlines()


def test_what_became_of_each_layer_is_kept() -> None:
    narrator, _, _ = tell(BUILD)
    assert narrator.layers == {
        "cnbkit/pip:site": "built",
        "cnbkit/pip:light-wheels-0": "reused",
        "app": "built",
    }
    assert narrator.digest == "sha256:abc"


NOTHING = """\
======== Output: acme/pip@1 ========
  skip: none of requirements.txt
======== Results ========
fail: acme/pip@1
ERROR: No buildpack groups passed detection.
ERROR: failed to detect: no buildpacks participating
"""
FAILED = """\
======== Output: acme/pip@1 ========
  join: found requirements.txt
======== Output: acme/start@1 ========
Error: web cannot start
  where: Procfile:1
======== Results ========
pass: acme/pip@1
err:  acme/start@1 (65)
======== Output: acme/start@1 ========
Error: web cannot start
  where: Procfile:1
======== Results ========
err:  acme/start@1 (65)
ERROR: No buildpack groups passed detection.
ERROR: failed to detect: buildpack(s) failed with err
"""


def test_why_nothing_was_detected_is_kept_and_shown_with_verbose_only() -> None:
    narrator, shown, log = tell(f"===> DETECTING\n{NOTHING}")
    assert shown == []
    assert log.endswith(NOTHING)
    assert narrator.detection.looked_for == ["requirements.txt"]
    _, shown, _ = tell(f"===> DETECTING\n{NOTHING}", verbose=True)
    assert shown == ["===> DETECTING", *NOTHING.splitlines()]


@pytest.mark.parametrize("verbose", [False, True])
def test_notes_come_before_what_the_buildpacks_say(verbose: bool) -> None:
    shown: list[str] = []
    narrator = Narrator(shown.append, io.StringIO(), verbose=verbose, notes=["a note"])
    for line in BUILD.splitlines():
        narrator.line(line)
    assert shown.count("a note") == 1
    assert shown.index("a note") < shown.index("pip 0.1.0")


def test_of_an_app_that_is_not_built_there_are_no_notes() -> None:
    shown: list[str] = []
    narrator = Narrator(shown.append, io.StringIO(), verbose=False, notes=["a note"])
    for line in f"===> DETECTING\n{NOTHING}".splitlines():
        narrator.line(line)
    assert shown == []


def test_of_a_detect_that_failed_its_fault_alone_is_shown_and_once() -> None:
    _, shown, log = tell(f"===> DETECTING\n{FAILED}")
    assert shown == ["Error: web cannot start\n  where: Procfile:1"]
    assert log.endswith(FAILED)


def test_below_a_fault_of_a_detect_stand_the_notes() -> None:
    shown: list[str] = []
    narrator = Narrator(shown.append, io.StringIO(), verbose=False, notes=["Not used: Dockerfile"])
    for line in f"===> DETECTING\n{FAILED}".splitlines():
        narrator.line(line)
    assert shown == ["Error: web cannot start\n  where: Procfile:1", "Not used: Dockerfile"]


def test_of_a_detect_that_failed_without_a_fault_everything_is_shown() -> None:
    text = FAILED.replace("Error: web cannot start\n", "Traceback\n")
    _, shown, _ = tell(f"===> DETECTING\n{text}")
    assert "err:  acme/start@1 (65)" in shown
    assert "  where: Procfile:1" in shown


def test_the_lifecycle_repeating_a_buildpacks_exit_status_is_not() -> None:
    _, shown, _ = tell("===> BUILDING\nError: no\nERROR: failed to build: exit status 65\n")
    assert shown == ["Error: no"]


def test_what_another_buildpack_says_is_no_part_of_a_fault() -> None:
    more = "======== Output: acme/last@1 ========\n  web: python3 app.py\n  join: found app.py\n"
    text = FAILED.replace("======== Results", f"{more}======== Results", 1)
    _, shown, _ = tell(f"===> DETECTING\n{text}")
    assert shown == ["Error: web cannot start\n  where: Procfile:1"]


@pytest.mark.parametrize("verbose", [False, True])
def test_what_the_detector_itself_could_not_do_is_kept_and_shown(verbose: bool) -> None:
    full = "mkdir /tmp/plan.12: no space left on device"
    narrator, shown, _ = tell(
        "===> DETECTING\n======== Output: acme/pip@1 ========\njoin: found requirements.txt\n"
        f"======== Error: acme/python@1 ========\n{full}\n======== Results ========\n"
        "pass: acme/pip@1\nerr:  acme/python@1\nERROR: No buildpack groups passed detection.\n"
        "ERROR: failed to detect: buildpack(s) failed with err\n",
        verbose=verbose,
    )
    assert narrator.error == f"ERROR: {full}"
    assert full in shown


@pytest.mark.parametrize("phase", ["DETECTING", "BUILDING"])
def test_where_buildpacks_speak_the_lifecycles_error_is_the_one_it_ends_by(phase: str) -> None:
    full = "ERROR: failed to write plan file: write /layers/plan.toml: no space left on device"
    narrator, _, _ = tell(f"===> {phase}\nERROR: a buildpack's\nand on\n{full}\n")
    assert narrator.error == full
    narrator, _, _ = tell(f"===> {phase}\n{full}\nand on\n")
    assert narrator.error == ""

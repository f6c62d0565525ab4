"""What the detector prints becomes a plan with reasons."""

from __future__ import annotations

from cnbkit_engine.build.plan import Joined, Plan, Provided, _joined, _provided
from cnbkit_engine.cli.plan import _told
from cnbkit_engine.lifecycle.detection import Detection

OUTPUT = """\
======== Output: acme/app@1 ========
note: an earlier line
  join: found app.txt
======== Output: acme/extra@2 ========
  join: found extra.txt
======== Output: acme/other@3 ========
  skip: none of other.txt
======== Results ========
pass: acme/app@1
pass: acme/extra@2
skip: acme/other@3
pass: acme/silent@4
skip: acme/extra@2 requires ssl
"""


def test_reasons_are_the_buildpacks_own_or_the_plans() -> None:
    detection = Detection()
    for line in OUTPUT.splitlines():
        detection.line(line)
    [trial] = detection.trials
    assert [_joined(trial, name, left_out=True) for name in trial.states] == [
        Joined("acme/app", "1", "found app.txt", ("note: an earlier line",)),
        Joined(
            "acme/extra",
            "2",
            "acme/extra@2 requires ssl, which nothing before it in its group provides",
        ),
        Joined("acme/other", "3", "none of other.txt"),
        Joined("acme/silent", "4", ""),
    ]
    # An alternative of its plan that did not come out is no reason of who takes part.
    assert _joined(trial, "acme/extra@2") == Joined("acme/extra", "2", "found extra.txt")


def test_an_entry_has_its_providers_once_and_every_requirement() -> None:
    entry = {
        "providers": [{"id": "a/a", "version": "1"}, {"id": "a/a", "version": "1"}],
        "requires": [{"name": "python", "metadata": {"launch": True}}, {"name": "python"}],
    }
    assert _provided(entry) == Provided("python", ("a/a",), ({"launch": True}, {}))


def test_what_is_told_begins_with_the_notes_and_has_the_others_with_verbose_only() -> None:
    plan = Plan(
        group=(
            Joined("acme/app", "1", "found app.txt", ("web: run",)),
            Joined("acme/silent", "4", ""),
        ),
        left_out=(Joined("acme/other", "3", "none of other.txt"),),
        entries=(Provided("python", ("a/a", "b/b"), ({}, {})), Provided("ssl", ("a/a",), ({},))),
        notes=("Not used: Dockerfile",),
        tried=1,
    )
    assert list(_told(plan, verbose=False)) == [
        "Not used: Dockerfile",
        "Buildpacks that take part:",
        "  acme/app     1  found app.txt",
        "    web: run",
        "  acme/silent  4",
        "What they require of each other:",
        "  python of a/a or b/b, 2 times",
        "  ssl of a/a",
    ]
    assert "  acme/other   3  none of other.txt" in list(_told(plan, verbose=True))

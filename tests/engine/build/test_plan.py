"""What the detector prints becomes a plan with reasons."""

from __future__ import annotations

from cnbkit_engine.build.decided import Decided, PlannedLayer, PlannedPackage, PlannedProcess
from cnbkit_engine.build.plan import Joined, Plan, Provided, _joined, _provided
from cnbkit_engine.cli.plan_text import told
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


DECIDED = Decided(
    "acme/app",
    decides=True,
    rest="what the hook makes",
    layers=(
        PlannedLayer("tool", "rebuild", ("version changed from 1 to 2",), launch=True),
        PlannedLayer("site", "rebuild", ("new",), launch=True),
        PlannedLayer("old", "reuse", (), launch=True),
        PlannedLayer("lock", "keep", (), launch=False),
    ),
    packages=(PlannedPackage("b", "1.0", 0, ""), PlannedPackage("a", "2.0", 1_500_000, "tool")),
    processes=(PlannedProcess("web", ("bash", "-c", "run it"), default=True),),
    labels=(("team", "vision"),),
    notes=("tool 2, from app.txt",),
    warnings=("it is old",),
)
PLAN = Plan(
    group=(Joined("acme/app", "1", "found app.txt", ("web: run",)), Joined("acme/silent", "4", "")),
    left_out=(Joined("acme/other", "3", "none of other.txt"),),
    entries=(Provided("python", ("a/a", "b/b"), ({}, {})), Provided("ssl", ("a/a",), ({},))),
    decisions=(DECIDED, Decided("acme/silent", decides=False)),
    notes=("Not used: Dockerfile",),
    tried=1,
)


def test_what_is_told_begins_with_the_notes_and_ends_with_what_is_not_known() -> None:
    assert list(told(PLAN, verbose=False)) == [
        "Not used: Dockerfile",
        "Buildpacks that take part:",
        "  acme/app     1  found app.txt",
        "  acme/silent  4",
        "What they decide:",
        "  tool 2, from app.txt",
        "Packages of acme/app: 2, 1.5 MB to download",
        "  a 2.0    1.5 MB  tool",
        "  b 1.0",
        "Layers of the image:",
        "  acme/app:tool  new: version changed from 1 to 2",
        "  acme/app:site  new",
        "  acme/app:old   as in the last image",
        "Processes:",
        "  web: bash -c 'run it' (what the image starts)",
        "Labels: 1 (--verbose shows them)",
        "Warning: it is old",
        "Not known before the build: what the hook makes (acme/app)",
        "These decide while building: acme/silent",
    ]


def test_verbose_has_the_others_the_plan_the_labels_and_layers_of_the_cache() -> None:
    lines = list(told(PLAN, verbose=True))
    for line in (
        "  acme/other   3  none of other.txt",
        "  python of a/a or b/b, 2 times",
        "  ssl of a/a",
        "  team=vision",
        "  acme/app:lock  from the cache",
    ):
        assert line in lines

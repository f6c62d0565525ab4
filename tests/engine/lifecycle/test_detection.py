"""What the lifecycle's detector prints is read back as it was meant."""

from __future__ import annotations

from cnbkit_engine.lifecycle.detection import Detection, Unmet

# As lifecycle 0.21 printed it for a builder of two groups; its own lines around it.
TWO_GROUPS = """\
===> DETECTING
======== Output: acme/needs@1.0.0 ========
  join: I am here
======== Results ========
pass: acme/needs@1.0.0
fail: acme/needs@1.0.0 requires node
======== Output: acme/gives@1.0.0 ========
  skip: none of deep.txt, BP_DEEP
======== Output: acme/needs@1.0.0 ========
  join: I am here
======== Results ========
fail: acme/gives@1.0.0
skip: acme/needs@1.0.0
ERROR: No buildpack groups passed detection.
ERROR: Please check that you are running against the correct path.
ERROR: failed to detect: no buildpacks participating
"""


def read(text: str) -> Detection:
    detection = Detection()
    for line in text.splitlines():
        detection.line(line)
    return detection


def test_each_group_has_its_states_and_reasons() -> None:
    first, second = read(TWO_GROUPS).trials
    assert first.states == {"acme/needs@1.0.0": "pass"}
    assert second.states == {"acme/gives@1.0.0": "fail", "acme/needs@1.0.0": "skip"}
    assert first.answer("acme/needs@1.0.0") == "join: I am here"
    assert second.answer("acme/gives@1.0.0") == "skip: none of deep.txt, BP_DEEP"
    assert second.answer("acme/other@1") == ""


def test_a_plan_that_does_not_come_out_is_told_from_a_detect_that_fails() -> None:
    detection = read(TWO_GROUPS)
    assert [each.fails_by_plan for each in detection.trials] == [True, False]
    [fault] = detection.plan_faults
    assert fault == Unmet("acme/needs@1.0.0", "node", required=True, fatal=True)
    assert (
        str(fault)
        == "acme/needs@1.0.0 requires node, which nothing before it in its group provides"
    )


def test_what_is_provided_and_nobody_wants_is_a_fault_of_the_plan_as_well() -> None:
    text = (
        "======== Results ========\npass: a/a@1\npass: b/b@1\n"
        "skip: b/b@1 requires node\nfail: a/a@1 provides unused ruby\n"
    )
    detection = read(text)
    assert [str(each) for each in detection.plan_faults] == [
        "a/a@1 provides ruby, which nothing after it in its group requires"
    ]
    assert [each.fatal for each in detection.trials[0].unmet] == [False, True]


def test_a_detect_that_ends_with_an_error_is_no_fault_of_the_plan() -> None:
    text = "======== Results ========\nerr:  a/a@1 (65)\nfail: b/b@1 requires node\n"
    [trial] = read(text).trials
    assert trial.states == {"a/a@1": "err"}
    assert read(text).plan_faults == []


def test_groups_without_any_output_are_groups() -> None:
    assert [
        each.states for each in read("======== Results ========\nfail: a/a@1\n" * 2).trials
    ] == [
        {"a/a@1": "fail"},
        {"a/a@1": "fail"},
    ]


def test_what_a_buildpack_prints_is_not_taken_for_a_result() -> None:
    text = "======== Output: a/a@1 ========\nfail: b/b@1\n======== Results ========\npass: a/a@1\n"
    [trial] = read(text).trials
    assert trial.states == {"a/a@1": "pass"}


def test_what_was_looked_for_is_that_of_buildpacks_without_which_nothing_is_built() -> None:
    assert read(TWO_GROUPS).looked_for == ["deep.txt", "BP_DEEP"]
    optional = TWO_GROUPS.replace("fail: acme/gives@1.0.0", "skip: acme/gives@1.0.0")
    assert read(optional).looked_for == []

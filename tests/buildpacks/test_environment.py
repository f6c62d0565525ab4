"""Variables of the image from variables of the build, as Paketo's buildpack has them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from cnbkit import LayerEnv
from cnbkit_environment import Environment

if TYPE_CHECKING:
    from tests.buildpacks.conftest import Phases, Ran


def at_launch(ran: Ran, **env: str) -> dict[str, str]:
    """The environment of the app, where this buildpack comes after others that set `env`."""
    layer = ran.layers / "variables"
    return LayerEnv.read(str(layer)).apply_layer(env, str(layer), phase="launch")


@pytest.mark.parametrize(
    ("set_", "before", "after"),
    [
        ({"BPE_X": "1"}, {"X": "0"}, "1"),
        ({"BPE_OVERRIDE_X": "1"}, {"X": "0"}, "1"),
        ({"BPE_OVERRIDE_X": ""}, {"X": "0"}, ""),
        ({"BPE_X": " a\n"}, {}, " a\n"),
        ({"BPE_DEFAULT_X": "1"}, {"X": "0"}, "0"),
        ({"BPE_DEFAULT_X": "1"}, {}, "1"),
        ({"BPE_APPEND_X": "b"}, {"X": "a"}, "ab"),
        ({"BPE_APPEND_X": "b", "BPE_DELIM_X": ":"}, {"X": "a"}, "a:b"),
        ({"BPE_APPEND_X": "b", "BPE_DELIM_X": " "}, {"X": "a"}, "a b"),
        ({"BPE_APPEND_X": "b", "BPE_DELIM_X": ":"}, {}, "b"),
        ({"BPE_PREPEND_X": "b", "BPE_DELIM_X": ":"}, {"X": "a"}, "b:a"),
        (
            {"BPE_PREPEND_X": "b", "BPE_APPEND_X": "c", "BPE_DELIM_X": ":"},
            {"X": "a"},
            "b:a:c",
        ),
        # Paketo's own reading: the prefix with a type goes before the one without.
        ({"BPE_DEFAULT_X": "1", "BPE_X": "2"}, {"X": "0"}, "2"),
        ({"BPE_X": "1", "BPE_OVERRIDE_X": "1"}, {}, "1"),
    ],
)
def test_each_kind_changes_the_variable_as_it_says(
    phases: Phases, set_: dict[str, str], before: dict[str, str], after: str
) -> None:
    phases.env.update(set_)
    assert phases.detect(Environment()).code == 0
    ran = phases.build(Environment())
    assert ran.fault is None
    assert ran.err == ""
    assert at_launch(ran, **before) == {"X": after}


def test_the_platforms_files_count_as_much_as_the_environment(phases: Phases) -> None:
    """Where `--env` and project.toml end up; a buildpack with clear-env finds only these."""
    (phases.app.parent / "platform/env/BPE_DELIM_X").write_text(",")
    (phases.app.parent / "platform/env/BPE_APPEND_X").write_text("b")
    assert at_launch(phases.build(Environment()), X="a") == {"X": "a,b"}


def test_without_such_a_variable_it_does_not_take_part(phases: Phases) -> None:
    phases.env.update({"BP_X": "1", "XBPE_A": "1"})
    ran = phases.detect(Environment())
    assert (ran.code, ran.out) == (100, "  skip: none of BPE_*\n")
    phases.env["BPE_A"] = ""
    assert phases.detect(Environment()).code == 0


def test_values_are_not_shown_and_decide_whether_the_layer_is_made_anew(phases: Phases) -> None:
    phases.env.update({"BPE_TOKEN": "tr0ub4dor", "BPE_DEFAULT_LEVEL": "info"})
    ran = phases.build(Environment())
    assert "  LEVEL (default), TOKEN\n" in ran.out
    toml = ran.layers / "variables.toml"
    assert "tr0ub4dor" not in ran.out + ran.err + toml.read_text()
    # As the lifecycle restores a layer that the previous image has.
    toml.write_text(toml.read_text().partition("\n\n")[2])
    shutil.rmtree(ran.layers / "variables")
    phases.build(Environment())
    assert not (ran.layers / "variables").exists()
    phases.env["BPE_TOKEN"] = "correct horse"
    ran = phases.build(Environment())
    assert at_launch(ran)["TOKEN"] == "correct horse"


def test_every_wrong_one_is_told(phases: Phases) -> None:
    phases.env.update(
        {"BPE_": "1", "BPE_APPEND_": "1", "BPE_a-b": "1", "BPE_OVERRIDE_X": "1", "BPE_X": "2"}
    )
    fault = phases.build(Environment()).fault
    assert fault is not None
    assert (fault.detail or "").splitlines() == [
        "BPE_ names no variable",
        "BPE_APPEND_ names no variable",
        "BPE_X and BPE_OVERRIDE_X say different things",
        "BPE_a-b names no variable",
    ]


def test_a_delimiter_alone_is_told_to_have_no_effect(phases: Phases) -> None:
    phases.env.update({"BPE_DELIM_X": ":", "BPE_X": "1"})
    ran = phases.build(Environment())
    assert "BPE_DELIM_X has no effect: there is no BPE_APPEND_X or BPE_PREPEND_X" in ran.err
    del phases.env["BPE_X"]
    assert "No variable is set" in phases.build(Environment()).out

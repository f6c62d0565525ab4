"""Dependency groups by process type; images that come of them are in tests/e2e."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit import BuildContext, PythonBuild, UserFault
from cnbkit.log import Log
from cnbkit_process_groups import ProcessGroups

if TYPE_CHECKING:
    from pathlib import Path

TABLE = '[tool.cnbkit.process-groups]\ntrain = ["train", "viz"]\nweb = ["serve"]\n'


def read(
    app: Path, table: str = TABLE, setting: str = "", plan: Path | str = "", **env: str
) -> ProcessGroups:
    (app / "pyproject.toml").write_text(table)
    ctx = BuildContext(
        app=str(app), env=env, buildpack="", platform="", layers="", plan=str(plan), log=Log()
    )
    return ProcessGroups.read(ctx, setting, "python")


def told(groups: ProcessGroups) -> tuple[list[str], dict[str, list[str]]]:
    found = groups.added_to(PythonBuild())
    return found.groups, found.left_out


@pytest.mark.parametrize(
    ("setting", "env", "groups", "left_out"),
    [
        ("", {}, ["serve"], {"train": ["train", "viz"]}),
        ("", {"BP_DEFAULT_PROCESS": "train"}, ["train", "viz"], {"web": ["serve"]}),
        ("", {"BP_DEFAULT_PROCESS": "other"}, [], {"train": ["train", "viz"], "web": ["serve"]}),
        # Who asks for groups gets these, whatever the image starts; spelt as they like.
        ("", {"BP_PYTHON_GROUPS": "Viz,serve, TRAIN"}, ["Viz", "serve", "TRAIN"], {}),
        # What is set counts before the table, for the process it names.
        ("web=", {}, [], {"train": ["train", "viz"]}),
        ("train=dev web=a,b", {}, ["a", "b"], {"train": ["dev"]}),
        ("train=dev web=a,b", {"CNB_EXEC_ENV": "test"}, ["a", "b"], {}),
    ],
)
def test_the_image_gets_the_groups_of_the_process_it_starts(
    tmp_path: Path,
    setting: str,
    env: dict[str, str],
    groups: list[str],
    left_out: dict[str, list[str]],
) -> None:
    found = read(tmp_path, setting=setting, **env)
    assert found.groups == groups
    assert found.left_out == left_out


def test_later_buildpacks_are_told_the_groups_unless_somebody_set_them(tmp_path: Path) -> None:
    train = {"train": ["train", "viz"]}
    assert told(read(tmp_path)) == (["serve"], train)
    assert told(read(tmp_path, BP_PYTHON_GROUPS="train")) == ([], {**train, "web": ["serve"]})
    assert told(read(tmp_path, '[project]\nname = "x"\n')) == ([], {})


def test_the_reason_is_said_only_where_there_is_something_to_say(tmp_path: Path) -> None:
    assert read(tmp_path).reason == "Dependency groups for web: serve"
    assert read(tmp_path, BP_PYTHON_GROUPS="train").reason == ""
    assert read(tmp_path, setting="web=").reason == ""


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ('[tool.cnbkit]\nprocess-groups = "train"\n', "tool.cnbkit.process-groups is not a table"),
        (
            '[tool.cnbkit.process-groups]\ntrain = "train"\nweb = [1]\n',
            "[tool.cnbkit.process-groups] does not list the groups of train, web",
        ),
    ],
)
def test_a_wrong_table_is_told_with_what_to_write(tmp_path: Path, table: str, what: str) -> None:
    with pytest.raises(UserFault) as caught:
        read(tmp_path, table)
    assert caught.value.what == what
    assert "[tool.cnbkit.process-groups]" in (caught.value.remedy or "")


@pytest.mark.parametrize("setting", ["train", "=train", "train=a web"])
def test_a_wrong_setting_is_told_with_what_to_write(tmp_path: Path, setting: str) -> None:
    with pytest.raises(UserFault, match="does not say which groups") as caught:
        read(tmp_path, setting=setting)
    assert "train=train,viz" in (caught.value.remedy or "")


def test_what_later_buildpacks_ask_for_comes_besides(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(
        '[[entries]]\nname = "python"\n[entries.metadata.request]\nsubject = "runner"\n'
        'groups = ["serve", "more"]\n'
        '[[entries]]\nname = "other"\n[entries.metadata.request]\nsubject = "x"\ngroups = ["no"]\n'
    )
    assert read(tmp_path, "", plan=plan).groups == ["serve", "more"]
    assert "serve (runner), more (runner)" in read(tmp_path, "", plan=plan).reason
    both = read(tmp_path, "", plan=plan, BP_PYTHON_GROUPS="mine,more")
    assert told(both) == (["mine", "more", "serve"], {})
    assert told(read(tmp_path, plan=plan)) == (["serve", "more"], {"train": ["train", "viz"]})

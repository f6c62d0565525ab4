"""Which image a build continues from, when each commit has a name of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import UserFault
from cnbkit_engine.build.predecessor import branch_tags, candidates, last_name, remember
from cnbkit_engine.oci.reference import Reference

if TYPE_CHECKING:
    from pathlib import Path

APP = Reference.parse("r.example/ml/churn:c2")


def test_the_nearest_image_of_the_repository_comes_first() -> None:
    last = f"r.example/ml/churn@sha256:{'1' * 64}"
    found = candidates(APP, "", last, {"GITHUB_REF_NAME": "feature/New-Model"})
    assert found == [
        "r.example/ml/churn:c2",
        last,
        *(f"r.example/ml/churn:{tag}" for tag in ("feature-new-model", "main", "master", "latest")),
    ]
    # One that is named is the only one.
    assert candidates(APP, "r.example/ml/base:1", last, {}) == ["r.example/ml/base:1"]


def test_an_image_of_another_registry_is_refused() -> None:
    with pytest.raises(UserFault, match="is in another registry") as caught:
        candidates(APP, "other.example/ml/churn:1", "", {})
    assert "r.example" in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "tags"),
    [
        ({}, []),
        ({"CI_COMMIT_REF_SLUG": "fix-1"}, ["fix-1"]),
        ({"CIRCLE_BRANCH": "users/Ann/ÄX"}, ["users-ann-x"]),
        ({"BRANCH_NAME": "///"}, []),
        ({"BRANCH_NAME": "a" * 300}, ["a" * 128]),
    ],
)
def test_a_branch_has_the_tag_that_ci_gives_it(
    environment: dict[str, str], tags: list[str]
) -> None:
    assert branch_tags(environment) == tags
    for tag in tags:
        assert Reference.parse(f"r.example/app:{tag}").tag == tag


def test_what_was_built_last_is_remembered_and_damage_is_not_believed(tmp_path: Path) -> None:
    assert last_name(tmp_path) == ""
    remember(tmp_path, "sha256:1", "r.example/ml/churn:c1")
    assert last_name(tmp_path) == "r.example/ml/churn:c1"
    (tmp_path / "image").write_text("sha256:1\n-option\n")
    assert last_name(tmp_path) == ""
    (tmp_path / "image").write_text("sha256:1\n")  # as older versions wrote it
    assert last_name(tmp_path) == ""

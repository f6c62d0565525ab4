"""What later buildpacks ask of the installer, several of them at once."""

from __future__ import annotations

import pytest

from cnbkit import BuildpackFault, PackageRequest, UserFault
from cnbkit.package_request import asked_of
from cnbkit.spec.build_plan import BuildpackPlan, Entry

NPU = PackageRequest(subject="npu:1", where="hardware.txt:1", accelerator="npu")
CUDA = PackageRequest(subject="cuda", where="BP_HARDWARE", accelerator="cuda")
GROUPS = PackageRequest(subject="runner", groups=["serve"])


def plan(*requests: PackageRequest) -> BuildpackPlan:
    return BuildpackPlan(
        entries=[Entry(name="site-packages", metadata=each.metadata()) for each in requests]
    )


def test_accelerators_of_two_buildpacks_end_the_build_with_one_error() -> None:
    with pytest.raises(UserFault) as caught:
        asked_of(plan(NPU, GROUPS, CUDA), "site-packages")
    assert caught.value.what == "npu:1 and cuda exclude each other in one image"
    assert caught.value.where == "BP_HARDWARE"
    assert "cnbkit build --hardware npu:1,cuda" in (caught.value.remedy or "")


def test_what_does_not_exclude_others_is_joined() -> None:
    beside = CUDA.replace(beside=["npu"])
    again = NPU.replace(subject="npu:1 again")
    found = asked_of(plan(NPU, beside, again, GROUPS), "site-packages")
    assert [each.subject for each in found] == ["npu:1", "cuda", "npu:1 again", "runner"]
    joined = GROUPS.joined(NPU).joined(PackageRequest(subject="x", groups=["serve", "more"]))
    assert (joined.subject, joined.groups) == ("npu:1", ["serve", "more"])


def test_groups_alone_ask_for_nothing_about_packages() -> None:
    assert GROUPS.only_groups
    assert not GROUPS.joined(NPU).only_groups
    assert not GROUPS.replace(expects=[["torch"]]).only_groups


def test_a_later_format_is_refused() -> None:
    later = Entry(name="site-packages", metadata={"request": {"format": 2, "subject": "x"}})
    with pytest.raises(BuildpackFault, match="has format 2, and this buildpack knows 1"):
        asked_of(BuildpackPlan(entries=[later]), "site-packages")

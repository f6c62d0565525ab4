"""What a build is for, where the platform says and where it does not."""

from __future__ import annotations

import platform

from cnbkit import Target


def test_without_a_target_it_is_this_machines() -> None:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    assert Target.from_env({}) == Target(os="linux", arch=machine)
    assert Target.from_env({"CNB_TARGET_ARCH": "", "CNB_TARGET_OS": ""}).arch == machine
    assert Target.from_env({"CNB_TARGET_ARCH": "s390x"}).arch == "s390x"

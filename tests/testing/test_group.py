"""Several buildpacks' real detects, and who takes part."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit import (
    Buildpack,
    DetectContext,
    DetectResult,
    GenerateContext,
    GenerateResult,
    Plan,
    Triggers,
)
from cnbkit.spec.build_plan import Entry

if TYPE_CHECKING:
    from cnbkit.testing import BuildpackRun, DetectGroup

BUILDPACKS = Path(__file__).resolve().parents[2] / "buildpacks"


class Interpreter(Buildpack):
    plan = Plan().provides("python")


class Packages(Buildpack):
    triggers = Triggers("requirements.txt")
    plan = Plan().requires("python", version="3.12")


class Breaks(Buildpack):
    def detect(self, ctx: DetectContext) -> DetectResult:
        raise ValueError(ctx.app.root)


@pytest.fixture
def sh(tmp_path: Path) -> Path:
    """A buildpack in sh."""
    folder = tmp_path / "sh"
    (folder / "bin").mkdir(parents=True)
    (folder / "buildpack.toml").write_text(
        'api = "0.10"\n[buildpack]\nid = "acme/sh"\nversion = "1.0.0"\n[[targets]]\nos = "linux"\n'
    )
    programs = {
        "detect": '[ -f run.sh ] || exit 100\necho "requires = [{name = \\"python\\"}]" >"$2"\n',
        "build": 'echo "building in $PWD"\n[ ! -f broken ] || exit 9\nmkdir "$1/x"\n'
        'printf "[types]\\nlaunch = true\\n[metadata]\\na = 1\\n" >"$1/x.toml"\n',
    }
    for name, script in programs.items():
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{script}")
        (folder / "bin" / name).chmod(0o755)
    return folder


def test_those_who_join_and_fit_are_the_group(detect_group: DetectGroup) -> None:
    found = detect_group([Interpreter, (Packages, True)], app={"requirements.txt": ""})
    assert (found.code, found.group) == (0, ("test/interpreter", "test/packages"))
    assert found.plan("test/interpreter").entries == [
        Entry(name="python", metadata={"version": "3.12"})
    ]


def test_a_provider_nobody_needs_sinks_the_group_unless_optional(
    detect_group: DetectGroup,
) -> None:
    found = detect_group([Interpreter, (Packages, True)])
    assert (found.code, found.group) == (20, ())
    assert "fail: test/interpreter provides unused python" in found.log
    assert "skip: none of requirements.txt" in found.log
    assert found.results["test/packages"].reason == "none of requirements.txt"


def test_a_later_group_has_its_turn(detect_group: DetectGroup, sh: Path) -> None:
    found = detect_group([Packages], [Interpreter, sh], app={"run.sh": ""})
    assert found.group == ("test/interpreter", "acme/sh")


def test_an_error_in_detect_is_told_from_a_no(detect_group: DetectGroup) -> None:
    assert detect_group([Breaks, Interpreter]).code == 21


def test_an_extension_can_provide_what_a_buildpack_requires(detect_group: DetectGroup) -> None:
    class Apt(Buildpack):
        plan = Plan().provides("python")

        def generate(self, ctx: GenerateContext) -> GenerateResult:
            raise NotImplementedError(ctx)

    class Broken(Apt):
        plan = Plan().requires("python")

    found = detect_group([Packages], extensions=[[Broken, Apt]], app={"requirements.txt": ""})
    assert (found.extensions, found.group) == (("test/apt",), ("test/packages",)), found.log
    assert "requires something in its plan" in found.log
    assert detect_group([Packages], app={"requirements.txt": ""}).code == 20


def test_the_reference_buildpacks_take_part_by_their_folders(detect_group: DetectGroup) -> None:
    found = detect_group(
        [BUILDPACKS / "python", (BUILDPACKS / "pip", True), BUILDPACKS / "start"],
        app={"requirements.txt": "", "app.py": "print(1)"},
    )
    assert found.group == ("cnbkit/python", "cnbkit/pip", "cnbkit/start"), found.log


def test_a_buildpack_in_another_language_runs_in_the_harness(
    buildpack_run: BuildpackRun, sh: Path
) -> None:
    first = buildpack_run(sh, app={"run.sh": ""})
    assert first.code == 0
    assert first.plan == Plan().requires("python")
    assert "building in /" in first.log
    assert first.layer("x").metadata == {"a": 1}
    assert first.rebuild().restored == {"x.toml"}
    broken = first.rebuild(app={"broken": ""})
    assert broken.fault is not None
    assert broken.fault.what == "bin/build ended with exit status 9"
    assert not buildpack_run(sh).detected

"""Several buildpacks' real detects, and who takes part."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit import (
    Buildpack,
    BuildpackFault,
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

BUILDPACKS = Path(__file__).resolve().parents[3] / "buildpacks"


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


def _pack(root: Path, name: str, answer: str) -> Path:
    """A buildpack whose modules are called as every other's made here."""
    folder = root / name
    (folder / "same").mkdir(parents=True)
    (folder / "buildpack.toml").write_text(
        f'api = "0.12"\n[buildpack]\nid = "acme/{name}"\nversion = "1.0.0"\n'
        '[metadata.cnbkit]\nentry = "same:Pack"\n'
    )
    (folder / "same" / "__init__.py").write_text(
        "from cnbkit import Buildpack, BuildResult\n"
        "class Pack(Buildpack):\n"
        "    def detect(self, ctx):\n"
        "        from same.inner import ANSWER\n"
        "        import beside_it\n"
        "        return ctx.join(ANSWER + beside_it.ANSWER)\n"
        "    def build(self, ctx):\n"
        "        from same.later import ANSWER\n"
        "        return BuildResult(labels={'who': ANSWER})\n"
    )
    (folder / "same" / "inner.py").write_text(f"ANSWER = {answer!r}\n")
    (folder / "same" / "later.py").write_text(f"ANSWER = {answer!r}\n")
    (folder / "beside_it.py").write_text(f"ANSWER = {answer!r}\n")
    return folder


def test_folders_whose_modules_have_equal_names_keep_their_own(
    tmp_path: Path, detect_group: DetectGroup, buildpack_run: BuildpackRun
) -> None:
    one, other = _pack(tmp_path, "one", "1"), _pack(tmp_path, "other", "2")
    found = detect_group([one, other])
    assert {name: each.reason for name, each in found.results.items()} == {
        "acme/one": "11",
        "acme/other": "22",
    }
    # What build imports for the first time is its own, too, and after another one has run.
    results = [buildpack_run(folder) for folder in (one, other)]
    results += [result.rebuild() for result in results]
    assert [result.labels["who"] for result in results] == ["1", "2", "1", "2"]


def test_a_class_below_another_buildpacks_descriptor_is_a_buildpack_of_its_own(
    tmp_path: Path, detect_group: DetectGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _pack(tmp_path, "one", "1")
    (folder / "tests").mkdir()
    (folder / "tests" / "doubles.py").write_text(
        "from cnbkit import Buildpack, Plan\n"
        "from same import Pack\n"
        "class Node(Buildpack):\n    plan = Plan().provides('node')\n"
        "class Needs(Buildpack):\n    plan = Plan().requires('node')\n"
        "class Derived(Pack):\n    def detect(self, ctx): return ctx.join('derived')\n"
    )
    for place in (folder, folder / "tests"):
        monkeypatch.syspath_prepend(place)
    for name in ("doubles", "same"):  # an earlier test may have imported its own
        monkeypatch.delitem(sys.modules, name, raising=False)
    import doubles  # type: ignore[import-not-found]

    found = detect_group([doubles.Node, doubles.Needs, folder])
    assert found.group == ("test/node", "test/needs", "acme/one")
    derived = detect_group([doubles.Derived])
    assert derived.group == ("acme/one",)
    assert derived.results["acme/one"].reason == "derived"


def test_two_buildpacks_with_one_id_are_told(tmp_path: Path, detect_group: DetectGroup) -> None:
    class Interpreter(Buildpack):
        """Another one of the same name."""

    with pytest.raises(BuildpackFault, match="have the same id, test/interpreter") as caught:
        detect_group([globals()["Interpreter"], Interpreter])
    assert "test_group.Interpreter" in caught.value.what
    one = _pack(tmp_path, "one", "1")
    copy = _pack(tmp_path / "copy", "one", "2")
    with pytest.raises(BuildpackFault, match="have the same id, acme/one"):
        detect_group([one], [copy])


def test_a_buildpack_may_stand_in_several_groups(detect_group: DetectGroup) -> None:
    found = detect_group([Packages], [Interpreter, Packages], [Packages, Interpreter])
    assert (found.code, sorted(found.results)) == (20, ["test/interpreter", "test/packages"])

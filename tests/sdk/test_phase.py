"""The process behind bin/detect and bin/build."""

from __future__ import annotations

import fnmatch
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cnbkit
from cnbkit import (
    BuildContext,
    Buildpack,
    BuildpackFault,
    BuildResult,
    DetectContext,
    DetectResult,
    Layer,
    LayerKey,
    Plan,
    Process,
    Triggers,
    key,
)
from cnbkit.pattern import matches
from cnbkit.runtime import build, detect

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM = """
import os, sys
sys.path.insert(0, os.environ["SDK"])
from cnbkit import *

class Pack(Buildpack):
    def detect(self, ctx):
        return self.act(ctx) or ctx.join("always", Plan().provides("x"))

    def build(self, ctx):
        return self.act(ctx) or BuildResult(Process(type="web", command=["x"]))

    def on_error(self, error):
        print("hook:", type(error).__name__)
        if os.environ.get("HOOK_FAILS"):
            raise RuntimeError("hook broke")

    def act(self, ctx):
        exec(os.environ.get("ACT", ""))

if __name__ == "__main__":
    Pack.main(*os.environ.get("PHASE", "").split())
"""


class Folders(NamedTuple):
    """What the lifecycle gives a buildpack."""

    root: Path

    @property
    def layers(self) -> Path:
        return self.root / "layers"

    @property
    def plan(self) -> Path:
        return self.root / "plan.toml"

    def env(self) -> dict[str, str]:
        return {
            "CNB_PLATFORM_DIR": str(self.root / "platform"),
            "CNB_BUILDPACK_DIR": str(self.root / "bp"),
            "CNB_LAYERS_DIR": str(self.layers),
            "CNB_BP_PLAN_PATH": str(self.plan),
            "CNB_BUILD_PLAN_PATH": str(self.plan),
            "CNB_TARGET_OS": "linux",
            "CNB_TARGET_ARCH": "arm64",
            "CNB_TARGET_ARCH_VARIANT": "v8",
            "CNB_TARGET_DISTRO_NAME": "debian",
            "CNB_TARGET_DISTRO_VERSION": "12",
        }

    def toml(self, name: str) -> dict[str, Any]:
        return tomllib.loads((self.layers / name).read_text())


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folders:
    for name in ("layers", "platform", "bp", "app"):
        (tmp_path / name).mkdir()
    (tmp_path / "plan.toml").touch()
    (tmp_path / "bp" / "buildpack.toml").write_text(
        'api = "0.12"\n[buildpack]\nid = "acme/x"\nversion = "1.2.3"\n'
    )
    monkeypatch.chdir(tmp_path / "app")
    return Folders(tmp_path)


class _Detects(Buildpack):
    def __init__(self, answer: Callable[[DetectContext], DetectResult]) -> None:
        self.answer = answer

    def detect(self, ctx: DetectContext) -> DetectResult:
        return self.answer(ctx)


class _Builds(Buildpack):
    def __init__(self, result: Callable[[BuildContext], BuildResult]) -> None:
        self.result = result

    def build(self, ctx: BuildContext) -> BuildResult:
        return self.result(ctx)


def _run(
    folders: Folders, phase: str, act: str = "", *arguments: str, **env: str
) -> subprocess.CompletedProcess[str]:
    program = folders.root / phase
    program.write_text(PROGRAM)
    given = {**folders.env(), "SDK": str(Path(cnbkit.__file__).parents[1]), "ACT": act, **env}
    return subprocess.run(
        [sys.executable, "-B", str(program), *arguments],
        env={name: value for name, value in given.items() if value != "<unset>"},
        cwd=folders.root / "app",
        capture_output=True,
        text=True,
        check=False,
    )


def test_joining_writes_the_plan_and_says_why(
    folders: Folders, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = Plan().provides("a").requires("b", version="1")
    pack = _Detects(lambda ctx: ctx.join("found it", plan))
    assert detect(pack, folders.env()) == 0
    assert tomllib.loads(folders.plan.read_text()) == {
        "provides": [{"name": "a"}],
        "requires": [{"name": "b", "metadata": {"version": "1"}}],
    }
    assert capsys.readouterr().out == "  join: found it\n"


def test_skipping_leaves_the_plan_alone_and_ends_with_100(
    folders: Folders, capsys: pytest.CaptureFixture[str]
) -> None:
    assert detect(_Detects(lambda ctx: ctx.skip("nothing here")), folders.env()) == 100
    assert folders.plan.read_text() == ""
    assert capsys.readouterr().out == "  skip: nothing here\n"


def test_detect_sees_app_target_settings_and_its_own_folder(folders: Folders) -> None:
    (folders.root / "app" / "f").write_text("text")
    seen = []

    def answer(ctx: DetectContext) -> DetectResult:
        seen.extend(
            [
                ctx.app.text("f"),
                str(ctx.target),
                ctx.settings.get("BP_A"),
                ctx.buildpack_dir / "buildpack.toml",
            ]
        )
        return ctx.skip("")

    detect(_Detects(answer), {**folders.env(), "BP_A": "x"})
    assert seen == [
        "text",
        "linux/arm64/v8 (debian 12)",
        "x",
        folders.root / "bp" / "buildpack.toml",
    ]


@pytest.mark.parametrize(
    ("app", "env", "code", "reason"),
    [
        ("requirements.txt", {}, 0, "join: found requirements.txt"),
        ("lock.yml", {}, 0, "join: found lock.yml"),
        ("", {"BP_X": "1"}, 0, "join: found BP_X"),
        ("", {"BP_X": " "}, 100, "skip: none of requirements.txt, *.yml, BP_X"),
        ("other", {}, 100, "skip: none of requirements.txt, *.yml, BP_X"),
    ],
)
def test_a_buildpack_with_triggers_alone_joins_by_them(
    folders: Folders,
    capsys: pytest.CaptureFixture[str],
    app: str,
    env: dict[str, str],
    code: int,
    reason: str,
) -> None:
    class Pack(Buildpack):
        triggers = Triggers("requirements.txt", "*.yml", settings=("BP_X",))

    if app:
        (folders.root / "app" / app).touch()
    assert detect(Pack(), {**folders.env(), **env}) == code
    assert capsys.readouterr().out == f"  {reason}\n"


def test_a_buildpack_without_triggers_always_joins(folders: Folders) -> None:
    assert detect(Buildpack(), folders.env()) == 0


def test_build_writes_processes_labels_and_slices_to_launch_toml(folders: Folders) -> None:
    built = BuildResult(
        Process(
            type="web",
            command=["python", "-m", "app"],
            args=["--port", "8080"],
            default=True,
            working_dir="sub",
            exec_env=["production"],
        ),
        Process(type="train", command=["t"]),
        labels={"b": "2", "a": "1"},
        slices=[["static/*", "x"]],
    )
    assert build(_Builds(lambda _: built), folders.env()) == 0
    assert folders.toml("launch.toml") == {
        "labels": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}],
        "processes": [
            {
                "type": "web",
                "command": ["python", "-m", "app"],
                "args": ["--port", "8080"],
                "default": True,
                "working-dir": "sub",
                "exec-env": ["production"],
            },
            {"type": "train", "command": ["t"], "default": False},
        ],
        "slices": [{"paths": ["static/*", "x"]}],
    }


def test_a_later_process_replaces_one_of_the_same_type(folders: Folders) -> None:
    built = BuildResult(
        Process(type="web", command=["old"], default=True), Process(type="web", command=["new"])
    )
    build(_Builds(lambda _: built), folders.env())
    assert [each["command"] for each in folders.toml("launch.toml")["processes"]] == [["new"]]


def test_two_default_processes_are_refused_as_the_lifecycle_would() -> None:
    with pytest.raises(BuildpackFault, match="more than one process is the default: a, b"):
        BuildResult(*(Process(type=name, command=["x"], default=True) for name in ("a", "b")))


@pytest.mark.parametrize(
    ("first", "second", "fits"),
    [
        (["test"], ["production"], True),
        (["test"], ["production", "test"], False),
        (["test"], [], False),
        (["*"], ["test"], False),
    ],
)
def test_each_execution_environment_has_one_default(
    first: list[str], second: list[str], fits: bool
) -> None:
    processes = [
        Process(type=name, command=["x"], default=True, exec_env=each)
        for name, each in (("a", first), ("b", second))
    ]
    if not fits:
        with pytest.raises(BuildpackFault, match="more than one process is the default"):
            BuildResult(*processes)
        return
    built = BuildResult(*processes)
    assert [each.type for each in built.in_image("test") if each.default] == ["a"]
    assert [each.type for each in built.in_image("production") if each.default] == ["b"]
    assert not any(each.default for each in built.in_image("development"))


@pytest.mark.parametrize(
    "make",
    [
        lambda: BuildResult(labels={"x": 5}),  # type: ignore[dict-item]
        lambda: BuildResult(labels={5: "x"}),  # type: ignore[dict-item]
        lambda: BuildResult(labels={"": "x"}),
        lambda: BuildResult(Process(type="web", command="python app.py")),  # type: ignore[arg-type]
        lambda: BuildResult(Process(type="web", command=[])),
        lambda: BuildResult(Process(type="web", command=["x", 8080])),  # type: ignore[list-item]
        lambda: BuildResult(Process(type="web", command=["x"], args="y")),  # type: ignore[arg-type]
        lambda: BuildResult(slices=["static/*"]),
        lambda: BuildResult(slices=[[5]]),  # type: ignore[list-item]
        lambda: BuildResult(unmet="name"),
    ],
)
def test_a_result_of_the_wrong_type_is_the_buildpacks_fault_at_once(
    make: Callable[[], BuildResult],
) -> None:
    with pytest.raises(BuildpackFault):
        make()


@pytest.mark.parametrize("phase", ["detect", "build"])
@pytest.mark.parametrize("status", ["", "0", "100", "'text'"])
def test_leaving_by_sys_exit_is_neither_success_nor_a_skip(
    folders: Folders, phase: str, status: str
) -> None:
    done = _run(folders, phase, f"sys.exit({status})")
    assert done.returncode == 70
    assert "Pack called sys.exit(" in done.stderr
    assert "hook: BuildpackFault" in done.stdout


def test_a_pattern_in_a_trigger_reaches_into_directories(folders: Folders) -> None:
    (folders.root / "app" / "conf" / "x").mkdir(parents=True)
    (folders.root / "app" / "conf" / "x" / "b.yml").touch()

    class Pack(Buildpack):
        triggers = Triggers("*/?/*.y*l")

    assert detect(Pack(), folders.env()) == 0


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a//b", "a[bc]", "**/x", "", "a\\b"])
def test_a_trigger_that_is_no_file_of_the_app_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a name or pattern"):
        Triggers(name)


def test_what_is_left_to_others_is_written_to_build_toml(folders: Folders) -> None:
    folders.plan.write_text('[[entries]]\nname = "x"\n')
    pack = _Builds(lambda ctx: BuildResult(unmet=[entry.name for entry in ctx.plan.named("x")]))
    build(pack, folders.env())
    assert folders.toml("build.toml") == {"unmet": [{"name": "x"}]}


def test_nothing_said_is_nothing_written_but_the_report(folders: Folders) -> None:
    build(_Builds(lambda _: BuildResult()), folders.env())
    assert os.listdir(folders.layers) == [".cnbkit-report.tsv"]  # noqa: PTH208


def test_the_store_is_found_again_kept_replaced_and_emptied(folders: Folders) -> None:
    seen = []
    stores: list[dict[str, object] | None] = [{"a": {"b": [1]}}, None, {}, None]
    for store in stores:

        def result(ctx: BuildContext, store: dict[str, object] | None = store) -> BuildResult:
            seen.append(ctx.store)
            return BuildResult(store=store)

        build(_Builds(result), folders.env())
    assert seen == [{}, {"a": {"b": [1]}}, {"a": {"b": [1]}}, {}]


class _Key(LayerKey):
    name: str = key("name\twith tab")


def test_the_report_says_what_happened_to_each_layer_and_why(folders: Folders) -> None:
    def result(name: str) -> Callable[[BuildContext], BuildResult]:
        def each(ctx: BuildContext) -> BuildResult:
            for layer in (Layer.cached("cached"), Layer.for_build("new")):
                with ctx.layer(layer, _Key(name=name)):
                    pass
            return BuildResult()

        return each

    for name in ("a", "b"):
        build(_Builds(result(name)), folders.env())
        for layer in ("cached", "new"):
            toml = folders.layers / f"{layer}.toml"
            toml.write_text("[metadata]" + toml.read_text().partition("[metadata]")[2])
    lines = (folders.layers / ".cnbkit-report.tsv").read_text().splitlines()
    assert lines[0].startswith("seconds\t")
    assert lines[1:] == [
        "layer\tcached\trebuild\tname with tab changed from a to b",
        "layer\tnew\trebuild\t",
    ]


@pytest.mark.parametrize(
    ("toml", "heading"),
    [
        ('[buildpack]\nid = "acme/x"\nversion = "1.2.3"\nname = "Acme"\n', "Acme 1.2.3"),
        ('[buildpack]\nid = "acme/x"\nversion = "1.2.3"\n', "acme/x 1.2.3"),
        ("", "buildpack"),
    ],
)
def test_build_names_itself(
    folders: Folders, capsys: pytest.CaptureFixture[str], toml: str, heading: str
) -> None:
    (folders.root / "bp" / "buildpack.toml").write_text(toml)
    build(_Builds(lambda _: BuildResult()), folders.env())
    build(_Builds(lambda _: BuildResult()), folders.env(), identity="given 9.9.9")
    assert capsys.readouterr().out == f"{heading}\ngiven 9.9.9\n"


def test_a_broken_plan_is_a_fault_that_names_the_file(folders: Folders) -> None:
    folders.plan.write_text("[[entries]]\nname = 5\n")
    with pytest.raises(cnbkit.CnbkitError, match=r"entries\[0\]\.name") as caught:
        build(_Builds(lambda ctx: BuildResult(unmet=[str(ctx.plan)])), folders.env())
    assert caught.value.where == f"{folders.plan}:2"


def test_the_phase_is_the_programs_name(folders: Folders) -> None:
    done = _run(folders, "detect")
    assert (done.returncode, done.stderr) == (0, "")
    assert "x" in folders.plan.read_text()
    assert _run(folders, "build").returncode == 0
    assert folders.toml("launch.toml")["processes"][0]["type"] == "web"


def test_the_phase_may_be_given_as_an_argument_or_by_the_caller(folders: Folders) -> None:
    assert _run(folders, "program", "", "detect").stdout == "  join: always\n"
    assert _run(folders, "program", PHASE="detect").stdout == "  join: always\n"


def test_positional_arguments_stand_in_for_missing_variables(folders: Folders) -> None:
    away = {name: "<unset>" for name in folders.env() if not name.startswith("CNB_TARGET")}
    platform, plan = str(folders.root / "platform"), str(folders.plan)
    done = _run(folders, "detect", "", platform, plan, **away)
    assert (done.returncode, done.stderr) == (0, "")
    assert "x" in folders.plan.read_text()
    folders.plan.write_text("")
    done = _run(folders, "build", "ctx.plan", str(folders.layers), platform, plan, **away)
    assert (done.returncode, done.stderr) == (0, "")
    assert (folders.layers / "launch.toml").exists()


def test_variables_come_before_positional_arguments(folders: Folders) -> None:
    other = str(folders.root / "other")
    assert _run(folders, "detect", "", other, other).returncode == 0
    assert "x" in folders.plan.read_text()
    assert not Path(other).exists()


def test_missing_input_is_named_without_a_traceback(folders: Folders) -> None:
    done = _run(folders, "detect", CNB_BUILD_PLAN_PATH="<unset>")
    assert done.returncode == 70
    assert done.stderr.startswith("Error: the platform gave no CNB_BUILD_PLAN_PATH\n")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("phase", ["detect", "build"])
@pytest.mark.parametrize(
    ("act", "code", "said"),
    [
        ("raise UserFault('w', where='f:1', remedy='r')", 65, "Error: w\n  where: f:1\n  to do: r"),
        ("raise PlatformFault('w')", 69, "Error: w"),
        ("raise BuildpackFault('w')", 70, "Error: w"),
        ("ctx.app.text('absent')", 65, "Error: cannot read absent: No such file or directory"),
        ("from cnbkit.command import CommandFailed; raise CommandFailed(['p'], 3, 'out')", 70, "p"),
    ],
)
def test_a_fault_ends_with_its_own_status_and_no_traceback(
    folders: Folders, phase: str, act: str, code: int, said: str
) -> None:
    done = _run(folders, phase, act)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "hook: " in done.stdout
    assert not (folders.layers / "launch.toml").exists()


@pytest.mark.parametrize("phase", ["detect", "build"])
def test_an_unexpected_error_blames_the_buildpack_and_keeps_the_traceback(
    folders: Folders, phase: str
) -> None:
    done = _run(folders, phase, "1 / 0")
    assert done.returncode == 70
    told = done.stderr.splitlines()
    assert told[0] == f"Error: ZeroDivisionError: division by zero (Pack failed in {phase})"
    assert told[1:3] == ["  where: <string>:1", f"  to do: {told[2].removeprefix('  to do: ')}"]
    assert done.stderr.count("Traceback") == 1
    by_way = told.index("    by way of:")
    assert told.index("    ZeroDivisionError: division by zero") == by_way - 1
    own, others = "\n".join(told[:by_way]), "\n".join(told[by_way:])
    assert "cnbkit/runtime.py" not in own
    assert "cnbkit/runtime.py" in others
    assert "hook: BuildpackFault" in done.stdout


def test_an_interrupt_ends_with_130(folders: Folders) -> None:
    done = _run(folders, "build", "raise KeyboardInterrupt")
    assert (done.returncode, done.stderr) == (130, "")


def test_a_hook_that_fails_does_not_hide_the_fault(folders: Folders) -> None:
    done = _run(folders, "build", "raise UserFault('the fault')", HOOK_FAILS="1")
    assert done.returncode == 65
    assert "Warning: on_error failed: RuntimeError('hook broke')" in done.stderr
    assert done.stderr.rstrip().endswith("Error: the fault")


def test_an_unknown_phase_is_a_fault(folders: Folders) -> None:
    done = _run(folders, "release")
    assert done.returncode == 70
    assert done.stderr.startswith("Error: there is no phase 'release'")


def test_output_of_programs_and_of_the_log_comes_in_order(folders: Folders) -> None:
    act = "ctx.log.info('one'); ctx.run('echo', 'two'); ctx.log.info('three'); ctx.log.debug('no')"
    assert _run(folders, "build", act, PATH="/usr/bin:/bin").stdout.splitlines() == [
        "acme/x 1.2.3",
        "  one",
        "    two",
        "  three",
    ]
    act = "ctx.log.debug('yes')"
    assert "  yes" in _run(folders, "build", act, BP_LOG_LEVEL="DEBUG").stdout.splitlines()


@given(st.text("a.b", max_size=6), st.text("ab.*?", min_size=1, max_size=6))
@settings(max_examples=500)
def test_a_pattern_matches_what_fnmatch_does_but_for_leading_dots(name: str, pattern: str) -> None:
    hidden = name.startswith(".") and not pattern.startswith(".")
    assert matches(name, pattern) == (fnmatch.fnmatchcase(name, pattern) and not hidden)


def test_the_hook_is_told_where_it_happened(folders: Folders) -> None:
    act = (
        "type(self).on_error = lambda self, e: "
        "print('at', e.phase, e.buildpack, e.target, e.app == os.getcwd(), e.layer)\n"
        "if hasattr(ctx, 'layer'):\n"
        "    with ctx.layer(Layer.launch('one')), ctx.layer(Layer.launch('two')):\n"
        "        raise FAULT\n"
        "raise FAULT"
    )
    for fault in ("UserFault('x')", "KeyError(1)", "SystemExit(0)"):
        done = _run(folders, "build", act.replace("FAULT", fault))
        assert (
            done.stdout.splitlines()[-1]
            == "at build acme/x 1.2.3 linux/arm64/v8 (debian 12) True two"
        )
        done = _run(folders, "detect", act.replace("FAULT", fault))
        assert done.stdout == "at detect acme/x 1.2.3 linux/arm64/v8 (debian 12) True \n"


@pytest.mark.parametrize("phase", ["detect", "build"])
def test_an_answer_that_is_none_is_the_buildpacks_fault(folders: Folders, phase: str) -> None:
    act = f"type(self).{phase} = lambda self, ctx: None; self.{phase}(ctx)"
    program = PROGRAM.replace("return self.act(ctx) or", "self.act(ctx); return None;")
    (folders.root / phase).write_text(program)
    done = subprocess.run(
        [sys.executable, "-B", str(folders.root / phase)],
        env={**folders.env(), "SDK": str(Path(cnbkit.__file__).parents[1]), "ACT": act},
        cwd=folders.root / "app",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 70
    assert f"Pack.{phase} returned None" in done.stderr


def test_sboms_of_image_and_build_are_written_if_their_format_is_declared(
    folders: Folders,
) -> None:
    built = BuildResult(sbom={"cdx": {"bomFormat": "CycloneDX"}}, build_sbom={"spdx": "{}"})
    with pytest.raises(BuildpackFault, match=r"vnd.cyclonedx\+json is not declared"):
        build(_Builds(lambda _: built), folders.env())
    with (folders.root / "bp" / "buildpack.toml").open("a") as file:
        formats = ["application/vnd.cyclonedx+json;version=1.5", "application/spdx+json"]
        file.write(f"sbom-formats = {formats}\n")
    build(_Builds(lambda _: built), folders.env())
    assert "CycloneDX" in (folders.layers / "launch.sbom.cdx.json").read_text()
    assert (folders.layers / "build.sbom.spdx.json").read_text() == "{}"

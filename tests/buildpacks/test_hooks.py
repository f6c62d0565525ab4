from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnbkit import Buildpack
from cnbkit_hooks import PostBuild, PreBuild
from cnbkit_hooks.files import copy, digest_of, named
from cnbkit_pip import Pip
from cnbkit_python import Python

from .told import telling

if TYPE_CHECKING:
    from tests.buildpacks.conftest import Phases, Ran

    from cnbkit.testing import BuildpackRun, DetectGroup, Result
    from cnbkit.testing.source import Named

ROOT = Path(__file__).parents[2]
PRE = ".cnbkit/pre-build"
# Counts its runs where no build can see it, so that a run that should not be is found.
COUNTING = """#!/bin/sh
# cnbkit: inputs = words/*.txt, schema
# cnbkit: outputs = out/all.txt, link
# cnbkit: env = MODE:fast, EMPTY:
echo "run in $MODE mode" && echo x >>"{count}"
mkdir -p out && cat words/*.txt >out/all.txt && chmod 750 out/all.txt && ln -sf out/all.txt link
"""


def write(phases: Phases, name: str, text: str | bytes, mode: int = 0o755) -> None:
    (phases.app / name).parent.mkdir(parents=True, exist_ok=True)
    phases.write(name, text)
    (phases.app / name).chmod(mode)


def fault_of(ran: Ran) -> str:
    assert (ran.code, ran.launch) == (65, {})
    return str(ran.fault)


@pytest.mark.parametrize(
    ("buildpack", "name", "setting"),
    [(PreBuild, PRE, "BP_PRE_BUILD"), (PostBuild, ".cnbkit/post-build", "BP_POST_BUILD")],
)
def test_a_script_or_a_setting_makes_it_join_without_starting_python(
    phases: Phases, buildpack: type[Buildpack], name: str, setting: str
) -> None:
    assert phases.detect(buildpack()).code == 100
    phases.env[setting] = "prepare.sh"
    assert phases.detect(buildpack()).code == 0
    del phases.env[setting]
    write(phases, name, "")
    assert phases.detect(buildpack()).code == 0
    assert buildpack.detect is Buildpack.detect


def test_packages_are_kept_at_hand_only_where_a_hook_comes_after_them(
    detect_group: DetectGroup,
) -> None:
    post = Path(__file__).parents[2] / "buildpacks" / "post-build"
    order: list[Named | tuple[Named, bool]]
    order = [Python, (Pip, True), (post, True)]
    asked = "build = true"
    hook, packages = {".cnbkit/post-build": ""}, {"requirements.txt": ""}
    both = detect_group(order, app={**hook, **packages})
    assert both.group == ("cnbkit/python", "cnbkit/pip", "cnbkit/post-build")
    assert asked in both.plan("cnbkit/pip").dumps()
    without = detect_group(order, app=packages)
    assert without.group == ("cnbkit/python", "cnbkit/pip")
    assert asked not in without.plan("cnbkit/pip").dumps()
    # Where nothing is installed it runs as well.
    alone = detect_group([(Pip, True), (post, True)], app=hook)
    assert alone.group == ("cnbkit/post-build",)


def test_a_hook_after_the_packages_runs_with_the_app_s_python(
    phases: Phases, tmp_path: Path
) -> None:
    write(phases, ".cnbkit/post-build", "#!/bin/sh\necho $VIRTUAL_ENV; tool; python\n")
    layers = tmp_path / "pip"
    (layers / "site/venv/bin").mkdir(parents=True)
    for name in ("python", "tool"):
        program = layers / "site/venv/bin" / name
        program.write_text(f"#!/bin/sh\necho this is {name}\n")
        program.chmod(0o755)
    record = tmp_path / "packages.json"
    record.write_text("[]")
    phases.env |= telling(
        python="/usr/bin/python3",
        python_version="3.11.2",
        environment=str(layers / "site" / "venv"),
        packages=str(record),
    )
    ran = phases.build(PostBuild())
    assert ran.code == 0, ran.fault
    assert f"    {layers}/site/venv\n    this is tool\n    this is python\n" in ran.out


def test_other_packages_make_a_hook_run_again(buildpack_run: BuildpackRun, tmp_path: Path) -> None:
    script = tmp_path / "source" / ".cnbkit" / "post-build"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n# cnbkit: inputs = none\n# cnbkit: outputs = o\ntouch o\n")
    script.chmod(0o755)
    record = tmp_path / "packages.json"
    record.write_text("[]")
    env = telling(packages=str(record))
    first = buildpack_run(PostBuild, app=tmp_path / "source", env=env)
    assert first.code == 0, first.log
    assert "unchanged: o" in first.rebuild().log
    record.write_text("[{}]")
    assert "Running .cnbkit/post-build: packages changed" in first.rebuild().log


def test_any_language_runs_in_the_app_with_the_build_s_environment(phases: Phases) -> None:
    write(
        phases,
        "tools/prepare",
        f"#!{sys.executable}\n# cnbkit: working-dir = tools\n# cnbkit: env = MODE:fast\n"
        "import os, pathlib\n"
        "print(pathlib.Path.cwd().name, os.environ['MODE'], os.environ['BP_SEEN'])\n"
        "pathlib.Path(os.environ['CNBKIT_APP'], 'made').touch()\n",
    )
    phases.env.update(BP_POST_BUILD="tools/prepare", BP_SEEN="yes")
    ran = phases.build(PostBuild())
    assert ran.code == 0, ran.fault
    assert (phases.app / "made").exists()
    assert "    tools fast yes\n" in ran.out
    assert "Running tools/prepare: it declares no outputs, so it runs every time" in ran.out


@pytest.fixture
def counted(buildpack_run: BuildpackRun, tmp_path: Path) -> tuple[Result, Path]:
    count = tmp_path / "count"
    app = tmp_path / "source"
    for name, text in {
        PRE: COUNTING.format(count=count),
        "words/a.txt": "a",
        "words/b.txt": "b",
        "words/.hidden.txt": "h",
        "schema/one": "1",
        "code.py": "",
    }.items():
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        (app / name).write_text(text)
    (app / PRE).chmod(0o755)
    return buildpack_run(PreBuild, app=app), count


def test_an_unchanged_hook_is_skipped_and_its_outputs_are_there(
    counted: tuple[Result, Path],
) -> None:
    first, count = counted
    assert first.code == 0, first.log
    assert "run in fast mode" in first.log
    assert first.layer("outputs").types == {"cache"}
    for again in (first.rebuild(), first.rebuild(app={"code.py": "changed"})):
        assert again.code == 0, again.log
        assert "unchanged: out/all.txt, link as it made them last time" in again.log
        made = again.app / "out" / "all.txt"
        assert made.read_text() == "ab"
        assert made.stat().st_mode & 0o777 == 0o750
        assert (again.app / "link").readlink() == Path("out/all.txt")
    assert count.read_text() == "x\n"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"words/a.txt": "other"}, "inputs changed: words/a.txt"),
        ({"words/c.txt": ""}, "inputs changed: +words/c.txt"),
        ({"words/b.txt": None}, "inputs changed: -words/b.txt"),
        ({"schema/two": ""}, "inputs changed: schema"),
    ],
)
def test_what_it_reads_makes_it_run_again_and_the_log_says_what(
    counted: tuple[Result, Path], change: dict[str, str | None], why: str
) -> None:
    first, count = counted
    again = first.rebuild(app=change)
    assert again.code == 0, again.log
    assert f"Running {PRE}: {why}\n" in again.log
    assert count.read_text() == "x\nx\n"


def test_without_a_cache_it_runs_again(counted: tuple[Result, Path]) -> None:
    first, count = counted
    assert first.rebuild(cache=False).code == 0
    assert count.read_text() == "x\nx\n"


def test_without_inputs_the_whole_app_counts_but_not_what_it_makes(
    buildpack_run: BuildpackRun, tmp_path: Path
) -> None:
    script = tmp_path / "source" / PRE
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n# cnbkit: outputs = out\nmkdir -p out && date +%N >out/x\n")
    script.chmod(0o755)
    first = buildpack_run(PreBuild, app=tmp_path / "source")
    assert f"Running {PRE}: new" in first.log
    again = first.rebuild()
    assert f"{PRE} unchanged: out" in again.log
    assert "inputs changed: the app" in again.rebuild(app={"new.py": ""}).log


@pytest.mark.parametrize(
    ("text", "mode", "told"),
    [
        ("#!/bin/sh\n", 0o644, "chmod +x .cnbkit/pre-build"),
        ("echo hi\n", 0o755, "begin it with a line such as #!/bin/sh"),
        ("", 0o755, "begin it with a line such as #!/bin/sh"),
        ("#!/bin/sh\r\necho hi\r\n", 0o755, "Windows line ends"),
        ("#!/no/such/program\n", 0o755, "is the program of its first line on the build image?"),
        ("#!/bin/sh\n# cnbkit: outputs = out\n", 0o755, "has not made out"),
        ("#!/bin/sh\n# cnbkit: working-dir = src\n", 0o755, "working directory"),
        ("#!/bin/sh\nkill -9 $$\n", 0o755, "was killed by signal 9"),
        ("#!/bin/sh\n# cnbkit: timeout = 1\necho began; sleep 60\n", 0o755, "timeout = 2"),
    ],
)
def test_what_goes_wrong_is_told_with_what_to_do(
    phases: Phases, text: str, mode: int, told: str
) -> None:
    write(phases, PRE, text, mode)
    assert told in fault_of(phases.build(PreBuild()))


@pytest.mark.parametrize("text", ["echo made >made\n", "\n# ours\necho made >made\n"])
def test_a_postbuild_without_a_first_line_is_run_by_a_shell_as_repo2docker_does(
    phases: Phases, text: str
) -> None:
    write(phases, "binder/postBuild", text)
    phases.env["BP_POST_BUILD"] = "binder/postBuild"
    assert phases.build(PostBuild()).code == 0
    assert (phases.app / "made").read_text() == "made\n"
    write(phases, ".cnbkit/post-build", text)
    phases.env["BP_POST_BUILD"] = ".cnbkit/post-build"
    assert "begin it with a line such as #!/bin/sh" in fault_of(phases.build(PostBuild()))


HOOKS = {"# cnbkit: outputs = made\n": True, "": False}


@pytest.mark.parametrize("outputs", HOOKS)
def test_a_build_with_a_hook_is_repeatable_if_the_hook_declares_what_it_makes(
    phases: Phases, outputs: str
) -> None:
    write(phases, ".cnbkit/post-build", f"#!/bin/sh\n{outputs}touch made\n")
    ran = phases.build(PostBuild())
    assert ran.code == 0, ran.fault
    report = (phases.layers / ".cnbkit-report.tsv").read_text().splitlines()
    assert ("repeatable" in report) is HOOKS[outputs]


def test_a_failure_shows_the_end_of_its_own_output(phases: Phases) -> None:
    write(phases, PRE, "#!/bin/sh\nseq 100\necho no disk >&2\nexit 3\n")
    told = fault_of(phases.build(PreBuild()))
    assert told.startswith("Error: .cnbkit/pre-build ended with exit status 3\n")
    assert told.endswith("    99\n    100\n    no disk")
    assert "\n    60\n" not in told


def test_after_a_failure_nothing_of_it_is_kept(phases: Phases) -> None:
    text = "#!/bin/sh\n# cnbkit: outputs = out\ntouch out; test -e good\n"
    write(phases, PRE, text)
    assert phases.build(PreBuild()).code == 65
    assert list(phases.layers.iterdir()) == []
    (phases.app / "good").touch()
    assert phases.build(PreBuild()).code == 0


def test_every_fault_of_its_declarations_is_told_with_its_line(phases: Phases) -> None:
    write(
        phases,
        PRE,
        "#!/usr/bin/env node\n// cnbkit: output = x\n// cnbkit: inputs =\n// cnbkit: timeout = 1h\n"
        "// cnbkit: outputs = ../x, /etc, a*\n// cnbkit: env = A=b\n// cnbkit: env = 1:2\n"
        "// cnbkit: working-dir = /tmp\n// cnbkit: timeout = 0\n// cnbkit\n"
        'print("cnbkit: nonsense")\n',
    )
    fault = phases.build(PreBuild()).fault
    assert fault is not None
    assert [line.removeprefix(f"{PRE}:") for line in (fault.detail or "").splitlines()] == [
        "2: 'output' is not one of inputs, outputs, env, timeout, working-dir",
        "3: inputs is empty",
        "4: timeout is '1h', not a number of seconds up to 86400",
        "5: '../x' is not within the app",
        "6: env 'A=b' is not NAME:value",
        "7: env '1:2' is not NAME:value",
        "8: working-dir '/tmp' is not within the app",
        "9: timeout is '0', not a number of seconds up to 86400",
    ]


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x"])
def test_a_script_outside_of_the_app_is_refused(phases: Phases, name: str) -> None:
    phases.env["BP_PRE_BUILD"] = name
    assert "is not within the app" in fault_of(phases.build(PreBuild()))


def test_a_script_that_is_not_there_is_named(phases: Phases) -> None:
    phases.env["BP_PRE_BUILD"] = "prepare.sh"
    assert "cannot read prepare.sh" in fault_of(phases.build(PreBuild()))


def test_a_builder_may_forbid_hooks(phases: Phases) -> None:
    write(phases, PRE, "#!/bin/sh\ntouch ran\n")
    phases.env["BP_HOOKS"] = "deny"
    assert "this builder runs no code of apps" in fault_of(phases.build(PreBuild()))
    phases.env["BP_HOOKS"] = "allow"
    binding = Path(phases.env["CNB_PLATFORM_DIR"]) / "bindings" / "rules"
    binding.mkdir(parents=True)
    (binding / "type").write_text("policy")
    (binding / "policy.toml").write_text('mode = "warn"\nhooks  = false # no\n[python]\n')
    assert "hooks = false in the binding rules" in fault_of(phases.build(PreBuild()))
    assert not (phases.app / "ran").exists()
    (binding / "policy.toml").write_text("# hooks = false\n")
    assert phases.build(PreBuild()).code == 0


def test_a_secret_of_a_binding_is_hidden_in_what_it_prints(
    buildpack_run: BuildpackRun, tmp_path: Path
) -> None:
    app = tmp_path / "source"
    (app / ".cnbkit").mkdir(parents=True)
    script = app / PRE
    script.write_text('#!/bin/sh\ncat "$CNB_PLATFORM_DIR/bindings/store/token"; exit 1\n')
    script.chmod(0o755)
    bindings = {"store": {"type": "store", "token": "s3cret-t0ken"}}
    result = buildpack_run(PreBuild, app=app, bindings=bindings)
    assert result.code == 65
    assert "s3cret" not in result.log
    assert result.log.count("[redacted]") == 2


def test_an_unchanged_hook_imports_nothing_heavy(phases: Phases) -> None:
    write(phases, PRE, "#!/bin/sh\n# cnbkit: inputs = *.py\n# cnbkit: outputs = out\ntouch out\n")
    assert phases.build(PreBuild()).code == 0
    code = (
        "import os, sys; from cnbkit import runtime; from cnbkit_hooks import PreBuild; "
        "runtime.build(PreBuild(), os.environ); print(*sys.modules, file=sys.stderr)"
    )
    env = {
        **phases.env,
        "PYTHONPATH": f"{ROOT}/sdk/src:{ROOT}/buildpacks/common:{ROOT}/buildpacks/pre-build",
    }
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        check=True, cwd=phases.app, env=env, capture_output=True, text=True,
    )  # fmt: skip
    assert "unchanged" in done.stdout
    heavy = {"typing", "re", "pathlib", "tomllib", "json", "pydantic", "shutil", "subprocess"}
    assert heavy & set(done.stderr.split()) == set()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    head=st.lists(
        st.one_of(
            st.binary(max_size=30),
            st.builds(
                "# cnbkit: {} = {}".format,
                st.sampled_from(["inputs", "outputs", "env", "timeout", "working-dir", "x"]),
                st.text(alphabet="ab/.,:*?1 \0é", max_size=12),
            ).map(str.encode),
        ),
        max_size=4,
    )
)
def test_whatever_a_script_declares_it_runs_or_a_user_fault_tells_why(
    phases: Phases, head: list[bytes]
) -> None:
    lines = [line.replace(b"\n", b" ") for line in head]
    write(phases, PRE, b"\n".join([b"#!/bin/true", *lines]))
    assert phases.build(PreBuild()).code in (0, 65)


def test_patterns_name_what_a_shell_would(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt", ".c.txt", "d/a.txt", "d/e/a.txt", "a.csv", "a[1].txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for pattern in ("*.txt", "?.txt", "*/a.txt", "d/*/*", "*", ".*", "d", "none", "*a*", "a*t"):
        shell = subprocess.run(
            ["bash", "-O", "nullglob", "-c", f"printf '%s\\n' {pattern}"],
            cwd=tmp_path, capture_output=True, text=True, check=True,
        ).stdout.split()  # fmt: skip
        there = [name for name in shell if (tmp_path / name).exists() and name not in (".", "..")]
        assert sorted(named(str(tmp_path), pattern)) == sorted(there), pattern


def test_a_digest_is_of_names_contents_links_and_executable_bits(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("1")
    seen = {digest_of(str(tmp_path), "a", set())}
    for change in (
        lambda: (tmp_path / "a" / "x").write_text("2"),
        lambda: (tmp_path / "a" / "x").chmod(0o755),
        lambda: (tmp_path / "a" / "x").rename(tmp_path / "a" / "y"),
        lambda: (tmp_path / "a" / "z").symlink_to("y"),
    ):
        change()
        assert digest_of(str(tmp_path), "a", set()) not in seen
        seen.add(digest_of(str(tmp_path), "a", set()))
    copy(str(tmp_path / "a"), str(tmp_path / "b" / "c"))
    copy(str(tmp_path / "a"), str(tmp_path / "b" / "c"))
    assert {path.name for path in (tmp_path / "b" / "c").iterdir()} == {"y", "z"}


def test_what_a_hook_writes_outside_of_the_app_is_said_with_where_to_write_it(
    phases: Phases, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    (home / ".cache" / "pip").mkdir(parents=True)
    (home / "old").write_bytes(bytes(5000))
    phases.env["HOME"] = str(home)
    text = """#!/bin/sh
mkdir -p "$HOME/nltk_data" "$HOME/.cache/huggingface/hub" && cd "$HOME"
head -c 2500000 /dev/zero | tee nltk_data/x .cache/huggingface/hub/y .cache/pip/z >/dev/null
"""
    write(phases, PRE, text)
    ran = phases.build(PreBuild())
    assert ran.code == 0, ran.fault
    [warning] = ran.err.splitlines()
    assert ".cnbkit/pre-build wrote ~/.cache/huggingface (2.5 MB), ~/nltk_data (2.5 MB)" in warning
    assert "(HF_HOME and NLTK_DATA, in the script and in the image" in warning
    assert "BPE_HF_HOME=/workspace/data" in warning
    # What was there before, and a hook that stays in the app, are no news.
    assert phases.build(PreBuild()).err == ""


@pytest.mark.parametrize(("name", "becomes"), [("postBuild", True), (".cnbkit/post-build", False)])
def test_a_plan_takes_a_script_that_the_build_would_make_executable_and_no_other(
    buildpack_run: BuildpackRun, name: str, becomes: bool
) -> None:
    result = buildpack_run(
        PostBuild, app={name: "#!/bin/sh\n"}, plan=["site-packages"], phases=["detect", "decide"]
    )
    assert (result.code == 0) is becomes
    assert ("is not executable" in result.log) is not becomes
    built = buildpack_run(PostBuild, app={name: "#!/bin/sh\n"}, plan=["site-packages"])
    assert "is not executable" in built.log

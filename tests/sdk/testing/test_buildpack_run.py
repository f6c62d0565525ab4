"""The in-process harness: what goes in, what comes out, what a rebuild finds."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit import (
    BuildContext,
    Buildpack,
    BuildpackFault,
    BuildResult,
    CommandFailed,
    DetectContext,
    DetectResult,
    GenerateContext,
    GenerateResult,
    Layer,
    LayerKey,
    Plan,
    Process,
    Target,
    Triggers,
    UserFault,
    key,
    note,
)
from cnbkit.spec.build_plan import Entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnbkit.testing import BuildpackRun, Call
    from cnbkit.testing.commands import Reply


class VenvKey(LayerKey):
    python: str = key("Python")
    requirements: str = key("requirements.txt")
    builds: int = note(default=0)


class Venv(Buildpack):
    """A layer of each kind, a process, labels."""

    triggers = Triggers("requirements.txt")
    plan = Plan().provides("packages").requires("packages", weight=1).requires("python")
    venv = Layer.launch("venv")
    downloads = Layer.cached("downloads", build=True)

    def build(self, ctx: BuildContext) -> BuildResult:
        wanted = VenvKey(
            python=ctx.run("python", "-V").stdout.strip(),
            requirements=ctx.app.text("requirements.txt"),
        )
        with ctx.layer(self.downloads) as downloads, ctx.layer(self.venv, wanted) as venv:
            if venv.rebuild:
                (venv.path / "bin").mkdir()
                ctx.run("pip", "install", "-r", "requirements.txt", env={"TO": str(venv.path)})
                (downloads.path / "file").write_text("downloaded")
            downloads.env.build.override("DOWNLOADS", downloads.path)
            venv.env.launch.override("VIRTUAL_ENV", venv.path)
            venv.env.process("web").override("PORT", 80)
        with ctx.layer(Layer.for_build("tools")) as tools:
            (tools.path / "bin").mkdir()
        return BuildResult(
            Process(type="web", command=["python", "app.py"]),
            labels={"a": "b"},
            slices=[["*.css"]],
            unmet=[entry.name for entry in ctx.plan.named("left")],
            store={"builds": int(str(ctx.store.get("builds", 0)).partition(".")[0]) + 1},
        )


def _pip(call: Call) -> str:
    (Path(call.env["TO"]) / "installed.py").write_text("x")
    return "Installed 1 package"


COMMANDS: dict[str, Reply] = {"python -V": "Python 3.13.1", "pip": _pip}
APP = {"requirements.txt": "flask"}


def test_everything_a_build_contributes_is_in_the_result(buildpack_run: BuildpackRun) -> None:
    first = buildpack_run(
        Venv, app=APP, commands=COMMANDS, plan=["python", Entry(name="left", metadata={"x": 1})]
    )
    assert (first.code, first.fault, first.detected) == (0, None, True)
    assert first.reason == "found requirements.txt"
    assert first.plan == Venv.plan
    assert first.layers == ["downloads", "tools", "venv"]
    venv = first.layer("venv")
    assert (venv.state, venv.why) == ("rebuild", ["new"])
    assert venv.types == {"launch"}
    assert venv.key == {"python": "Python 3.13.1", "requirements": "flask"}
    assert venv.notes == {"builds": 0}
    assert venv.files == [
        "env.launch/VIRTUAL_ENV.override",
        "env.launch/web/PORT.override",
        "installed.py",
    ]
    assert venv.text("installed.py") == "x"
    assert first.processes["web"].command == ["python", "app.py"]
    assert (first.labels, first.slices, first.unmet) == ({"a": "b"}, [["*.css"]], ["left"])
    assert first.store == {"builds": 1}
    assert "Installed 1 package" in first.log
    assert [str(call) for call in first.commands] == [
        "python -V",
        "pip install -r requirements.txt",
    ]


def test_an_unchanged_rebuild_reuses_and_keeps(buildpack_run: BuildpackRun) -> None:
    first = buildpack_run(Venv, app=APP, commands=COMMANDS)
    second = first.rebuild()
    third = second.rebuild()
    for result in (second, third):
        assert result.layer("venv").state == "reuse"
        assert result.layer("downloads").state == "keep"
        assert result.layer("tools").state == "rebuild"
        assert [call.argv[0] for call in result.commands] == ["python"]
        assert not (result.layers_dir / "venv").exists()
    assert [each.store["builds"] for each in (first, second, third)] == [1, 2, 3]


def test_a_changed_file_is_the_reason_for_a_rebuild(buildpack_run: BuildpackRun) -> None:
    first = buildpack_run(Venv, app=APP, commands=COMMANDS)
    second = first.rebuild(app={"requirements.txt": "django"})
    assert second.layer("venv").why == ["requirements.txt changed from flask to django"]
    third = second.rebuild(commands={"python -V": "Python 3.14.0"})
    assert third.layer("venv").why == ["Python changed from Python 3.13.1 to Python 3.14.0"]


def test_a_lost_image_and_a_lost_cache_are_different_losses(buildpack_run: BuildpackRun) -> None:
    first = buildpack_run(Venv, app=APP, commands=COMMANDS)
    states = {
        (image, cache): [
            result.layer(name).state
            for result in [first.rebuild(image=image, cache=cache)]
            for name in ("venv", "downloads")
        ]
        for image in (True, False)
        for cache in (True, False)
    }
    assert states == {
        (True, True): ["reuse", "keep"],
        (True, False): ["reuse", "rebuild"],
        (False, True): ["rebuild", "keep"],
        (False, False): ["rebuild", "rebuild"],
    }
    assert first.rebuild(image=False).store == {"builds": 1}


def test_results_stay_what_they_were_after_later_builds(buildpack_run: BuildpackRun) -> None:
    first = buildpack_run(Venv, app=APP, commands=COMMANDS)
    before = (first.launch_env("web"), first.build_env(), first.layer("venv").files)
    second = first.rebuild(app={"requirements.txt": "django", "new": "x"})
    second.rebuild()
    assert (first.launch_env("web"), first.build_env(), first.layer("venv").files) == before
    assert first.layer("venv").key["requirements"] == "flask"
    assert not (first.app / "new").exists()
    assert (second.app / "new").read_text() == "x"


def test_a_failed_build_leaves_image_and_cache_of_the_one_before(
    buildpack_run: BuildpackRun,
) -> None:
    first = buildpack_run(Venv, app=APP, commands=COMMANDS)
    failed = first.rebuild(commands={"python -V": 3})
    assert failed.code == 70
    assert isinstance(failed.fault, CommandFailed)
    mended = failed.rebuild(commands=COMMANDS)
    assert (mended.layer("venv").state, mended.layer("downloads").state) == ("reuse", "keep")


def test_the_launch_environment_is_there_for_reused_layers_too(
    buildpack_run: BuildpackRun,
) -> None:
    first = buildpack_run(Venv, app=APP, commands=COMMANDS)
    again = first.rebuild().rebuild()
    for result in (first, again):
        env = result.launch_env("web")
        assert env["VIRTUAL_ENV"].endswith("/test_venv/venv")
        assert env["PATH"].startswith(f"{env['VIRTUAL_ENV']}/bin:/usr/local/sbin:")
        assert env["PORT"] == "80"
        assert "PORT" not in result.launch_env("worker")
    assert first.launch_env("web") == again.launch_env("web")


def test_the_build_environment_holds_build_layers_only(buildpack_run: BuildpackRun) -> None:
    env = buildpack_run(Venv, app=APP, commands=COMMANDS).build_env({"PATH": "/bin"})
    assert env.keys() == {"PATH", "DOWNLOADS"}
    assert env["PATH"].endswith("/test_venv/tools/bin:/bin")
    assert env["DOWNLOADS"].endswith("/test_venv/downloads")


def test_a_buildpack_that_skips_does_not_build(buildpack_run: BuildpackRun) -> None:
    result = buildpack_run(Venv, app={"Gemfile": ""})
    assert (result.code, result.detected, result.fault) == (100, False, None)
    assert result.reason == "none of requirements.txt"
    assert "skip: none of requirements.txt" in result.log
    assert result.layers == []
    with pytest.raises(LookupError, match="no layer 'venv'"):
        result.layer("venv")


def test_detect_alone_can_be_run(buildpack_run: BuildpackRun) -> None:
    result = buildpack_run(Venv, app=APP, phases=["detect"])
    assert result.detected
    assert result.layers == []


class _Acts(Buildpack):
    def __init__(self, act: Callable[[BuildContext], object]) -> None:
        self.act = act

    def build(self, ctx: BuildContext) -> BuildResult:
        self.act(ctx)
        return BuildResult()


def test_the_process_is_as_the_lifecycle_starts_it(
    buildpack_run: BuildpackRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "of the test")
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.setenv(name, f"{name}.example")
    where, outside = Path.cwd(), dict(os.environ)
    seen: dict[str, str] = {}

    def act(ctx: BuildContext) -> None:
        seen.update(os.environ)
        assert Path.cwd() == ctx.app.path
        assert ctx.app.text("file") == "x"

    target = Target(arch="arm64", variant="v8", distro="debian", distro_version="12")
    result = buildpack_run(
        _Acts(act), app={"file": "x"}, env={"BP_X": "1", "PATH": "/mine"}, target=target
    )
    assert result.code == 0, result.log
    assert (Path.cwd(), dict(os.environ)) == (where, outside)
    fakes, _, path = seen.pop("PATH").partition(":")
    assert Path(fakes).name == "bin"
    assert path == "/mine:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    root = result.place.official
    assert seen == {
        "BP_X": "1",
        "CNB_BP_PLAN_PATH": f"{root}/buildpack-plan.toml",
        "CNB_BUILDPACK_DIR": f"{root}/buildpack",
        "CNB_LAYERS_DIR": f"{root}/layers/test_acts",
        "CNB_PLATFORM_DIR": f"{root}/platform",
        "CNB_TARGET_ARCH": "arm64",
        "CNB_TARGET_ARCH_VARIANT": "v8",
        "CNB_TARGET_DISTRO_NAME": "debian",
        "CNB_TARGET_DISTRO_VERSION": "12",
        "CNB_TARGET_OS": "linux",
        "HOME": f"{root}/home",
        "TMPDIR": f"{root}/tmp",
        "http_proxy": "http_proxy.example",
        "https_proxy": "https_proxy.example",
        "no_proxy": "no_proxy.example",
    }
    assert (root / "platform" / "env" / "BP_X").read_text() == "1"


def test_a_rebuild_changes_adds_and_removes_files_and_variables(
    buildpack_run: BuildpackRun,
) -> None:
    seen: list[tuple[list[str], list[str]]] = []

    def act(ctx: BuildContext) -> None:
        names = sorted(path.name for path in ctx.app.path.iterdir())
        seen.append((names, sorted(name for name in ctx.env if name.startswith("BP_"))))
        (ctx.app.path / "made").touch()

    first = buildpack_run(_Acts(act), app={"a": "", "b": ""}, env={"BP_A": "1", "BP_B": "1"})
    first.rebuild(app={"b": None, "c": ""}, env={"BP_B": None, "BP_C": "1"})
    assert seen == [(["a", "b"], ["BP_A", "BP_B"]), (["a", "c"], ["BP_A", "BP_C"])]


def test_an_app_can_be_a_folder_which_stays_as_it_is(
    buildpack_run: BuildpackRun, tmp_path: Path
) -> None:
    (tmp_path / "app" / "src").mkdir(parents=True)
    (tmp_path / "app" / "src" / "x.py").write_text("x")

    def act(ctx: BuildContext) -> None:
        (ctx.app.path / "src" / "x.py").unlink()

    result = buildpack_run(_Acts(act), app=tmp_path / "app")
    assert result.code == 0
    assert not (result.app / "src" / "x.py").exists()
    assert (tmp_path / "app" / "src" / "x.py").exists()


def test_without_a_plan_a_buildpack_gets_what_it_requires_of_itself(
    buildpack_run: BuildpackRun,
) -> None:
    seen: list[Entry] = []

    class Both(Buildpack):
        plan = Plan().provides("x").requires("x", a=1).requires("y")

        def build(self, ctx: BuildContext) -> BuildResult:
            seen.extend(ctx.plan.entries)
            return BuildResult()

    buildpack_run(Both)
    assert seen == [Entry(name="x", metadata={"a": 1})]


def test_bindings_are_where_the_platform_puts_them(buildpack_run: BuildpackRun) -> None:
    def act(ctx: BuildContext) -> None:
        binding = ctx.bindings.first("pypi")
        assert binding is not None
        assert binding.name == "index"

    result = buildpack_run(_Acts(act), bindings={"index": {"type": "pypi", "url": "x"}})
    assert result.code == 0, result.log


@pytest.mark.parametrize(
    ("raised", "code"), [(UserFault("yours"), 65), (BuildpackFault("ours"), 70)]
)
def test_a_fault_is_in_the_result_with_its_exit_status(
    buildpack_run: BuildpackRun, raised: UserFault | BuildpackFault, code: int
) -> None:
    class Fails(Buildpack):
        def detect(self, ctx: DetectContext) -> DetectResult:  # noqa: ARG002
            raise raised

    result = buildpack_run(Fails)
    assert (result.code, result.fault, result.detected) == (code, raised, False)
    assert f"Error: {raised.what}" in result.log


def test_a_bug_is_the_buildpacks_fault_with_its_traceback(buildpack_run: BuildpackRun) -> None:
    result = buildpack_run(_Acts(lambda _: 1 // 0))
    assert result.code == 70
    assert result.fault is not None
    assert result.fault.what == (
        "ZeroDivisionError: integer division or modulo by zero (_Acts failed in build)"
    )
    assert str(result.fault.where).startswith(f"{__file__}:")
    assert "ZeroDivisionError" in str(result.fault.detail)


def test_a_full_disk_is_not_the_buildpacks_fault(buildpack_run: BuildpackRun) -> None:
    # The device that is always full; and a folder, whose name the error has.
    for act, where in (
        (lambda _: Path("/dev/full").write_text("x"), f"{__file__}:"),
        (_refused, "/layers/x"),
        (lambda ctx: ctx.run("sh", "-c", "cat /proc/version >/dev/full"), "sh"),
    ):
        result = buildpack_run(_Acts(act))
        assert result.code == 69
        assert result.fault is not None
        assert result.fault.what == "the disk is full"
        assert str(result.fault.where).startswith(where)
        assert "df -i" in str(result.fault.remedy)
        assert "report this" not in result.log


def _refused(_: BuildContext) -> None:
    raise OSError(errno.EDQUOT, "Disk quota exceeded", "/layers/x")


def test_what_the_lifecycle_would_not_export_is_a_fault(buildpack_run: BuildpackRun) -> None:
    def act(ctx: BuildContext) -> None:
        layers = Path(ctx.env["CNB_LAYERS_DIR"])
        (layers / "cached.toml").write_text("[types]\ncache = true\nlaunch = true\n")
        (layers / "image.toml").write_text("[types]\nlaunch = true\n")
        (layers / "launch.sbom.cdx.json").write_text("{}")

    result = buildpack_run(_Acts(act))
    assert result.code == 70
    assert isinstance(result.fault, BuildpackFault)
    text = str(result.fault)
    assert "the layer cached is cache = true but has no contents" in text
    assert "the layer image has no contents" in text
    assert "sbom-formats in buildpack.toml does not name application/vnd.cyclonedx+json" in text


def test_sboms_of_restored_layers_come_back(buildpack_run: BuildpackRun, tmp_path: Path) -> None:
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "buildpack.toml").write_text(
        'api = "0.11"\n[buildpack]\nid = "acme/sbom"\nversion = "1.0.0"\n'
        'sbom-formats = ["application/vnd.cyclonedx+json"]\n'
    )
    (folder / "acme_sbom.py").write_text(
        "from cnbkit import *\n"
        "class Sbom(Buildpack):\n"
        "    def build(self, ctx):\n"
        "        with ctx.layer(Layer.launch('x')) as x:\n"
        "            if x.rebuild:\n"
        "                x.path.with_name('x.sbom.cdx.json').write_text('{}')\n"
        "        return BuildResult()\n"
    )
    sys.path.insert(0, str(folder))
    try:
        from acme_sbom import Sbom  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(folder))
    first = buildpack_run(Sbom)
    assert first.code == 0, first.log
    assert first.layers_dir.name == "acme_sbom"
    assert first.rebuild().sbom("x") == {"cdx.json": b"{}"}
    assert first.rebuild(image=False).layer("x").state == "rebuild"


def test_a_new_version_of_the_buildpack_finds_the_layers_of_the_old(
    buildpack_run: BuildpackRun,
) -> None:
    class Key(LayerKey):
        x: str = key("x")

    class NewKey(LayerKey, version=2):
        x: str = key("x")

    class Old(Buildpack):
        def build(self, ctx: BuildContext) -> BuildResult:
            with ctx.layer(Layer.launch("x"), Key(x="1")):
                return BuildResult()

    def new(self: Buildpack, ctx: BuildContext) -> BuildResult:  # noqa: ARG001
        with ctx.layer(Layer.launch("x"), NewKey(x="1")):
            return BuildResult()

    newer = type("Old", (Buildpack,), {"build": new})
    result = buildpack_run(Old).rebuild(buildpack=newer)
    assert result.layer("x").why == ["this buildpack makes it differently now (version 2)"]


def test_the_plugin_imports_the_kit_only_when_a_fixture_is_used() -> None:
    program = "import sys, cnbkit.testing.plugin; print('cnbkit.testing.harness' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"False\n"


def test_the_kit_works_without_pytest(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from cnbkit import Buildpack\n"
        "from cnbkit.testing import BuildpackRun, simulate\n"
        "print(BuildpackRun(Path(sys.argv[1]))(Buildpack, phases=['detect']).code)\n"
        "print('pytest' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "x")], capture_output=True, check=True
    )
    assert done.stdout.endswith(b"0\nFalse\n")


def test_an_extension_generates_dockerfiles(buildpack_run: BuildpackRun) -> None:
    seen: dict[str, str] = {}

    class Apt(Buildpack):
        plan = Plan().provides("apt")

        def generate(self, ctx: GenerateContext) -> GenerateResult:
            seen.update(os.environ)
            names = [entry.metadata["package"] for entry in ctx.plan.named("apt")]
            return GenerateResult(
                run=f"ARG base_image\nFROM ${{base_image}}\nRUN apt-get install {names[0]}\n",
                run_args={"a": "b"},
            )

    result = buildpack_run(Apt, plan=[Entry(name="apt", metadata={"package": "curl"})])
    assert result.code == 0, result.log
    assert result.dockerfiles.keys() == {"run"}
    assert result.dockerfiles["run"].endswith("RUN apt-get install curl\n")
    assert result.dockerfile_args == {"run": {"a": "b"}}
    assert {"CNB_EXTENSION_DIR", "CNB_OUTPUT_DIR"} <= seen.keys()
    assert not {"CNB_BUILDPACK_DIR", "CNB_LAYERS_DIR", "CNB_EXEC_ENV"} & seen.keys()

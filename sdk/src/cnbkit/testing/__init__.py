"""Test buildpacks in this process, one alone or as an order's group.

Installing cnbkit brings a pytest plugin with two fixtures; cnbkit-engine adds `lifecycle_build`,
which builds with the real lifecycle. A complete test file:

    from pathlib import Path

    from cnbkit import BuildContext, Buildpack, BuildResult, Layer, LayerKey, Plan, Process
    from cnbkit import Triggers, key


    class Packages(LayerKey):
        python: str = key("Python")
        requirements: str = key("requirements.txt")


    class Pip(Buildpack):
        triggers = Triggers("requirements.txt")
        plan = Plan().requires("python")

        def build(self, ctx: BuildContext) -> BuildResult:
            wanted = Packages(
                python=ctx.run("python", "-V").stdout.strip(),
                requirements=ctx.app.text("requirements.txt"),
            )
            with ctx.layer(Layer.launch("venv"), wanted) as venv:
                if venv.rebuild:
                    ctx.run("python", "-m", "venv", venv.path)
                    ctx.run(venv.path / "bin" / "pip", "install", "-r", "requirements.txt")
                venv.env.launch.override("VIRTUAL_ENV", venv.path)
            return BuildResult(Process(type="web", command=["python", "app.py"], default=True))


    def make_venv(call):
        call.add_command(Path(call.argv[-1]) / "bin" / "pip")


    COMMANDS = {"python -V": "Python 3.13.1", "python -m venv": make_venv, "pip": "Installed"}


    def test_packages_are_installed_once(buildpack_run):
        first = buildpack_run(Pip, app={"requirements.txt": "flask"}, commands=COMMANDS)
        assert first.code == 0
        assert first.launch_env("web")["VIRTUAL_ENV"].endswith("/venv")
        assert first.commands[-1].argv == ("pip", "install", "-r", "requirements.txt")
        assert first.rebuild().layer("venv").state == "reuse"


    def test_the_log_says_why_packages_are_installed_again(buildpack_run):
        first = buildpack_run(Pip, app={"requirements.txt": "flask"}, commands=COMMANDS)
        again = first.rebuild(app={"requirements.txt": "django"})
        assert again.layer("venv").why == ["requirements.txt changed from flask to django"]
        lost = first.rebuild(image=False)
        assert lost.layer("venv").why == ["new"]


    def test_an_app_without_requirements_is_left_alone(buildpack_run):
        assert buildpack_run(Pip, app={"Gemfile": ""}).code == 100


    class Python(Buildpack):
        plan = Plan().provides("python")

        def build(self, ctx: BuildContext) -> BuildResult:
            return BuildResult()


    def test_python_comes_with_pip_only(detect_group):
        order = [(Python, True), (Pip, True)]
        both = detect_group(order, app={"requirements.txt": ""})
        assert both.group == ("test/python", "test/pip")
        assert detect_group(order).code == 20

- `buildpack_run` runs detect and build as the lifecycle calls them, `rebuild` with what it would
  restore. Commands given are real programs on the build's PATH whose answers the test decides;
  all others are this machine's. See `BuildpackRun`, `Result` and `Result.rebuild`.
- `detect_group` runs the detects of an order's buildpacks and decides as the lifecycle's detector
  does; `simulate` is that decision alone, on plans. See `DetectGroup` and `simulate`.
Everything works without pytest, too: the fixtures only choose directories and clean up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnbkit.spec.build_plan import Entry
    from cnbkit.testing._restore import restore
    from cnbkit.testing.commands import Answer, Call, FakeCommands
    from cnbkit.testing.group import DetectedGroup, DetectGroup
    from cnbkit.testing.harness import BuildpackRun
    from cnbkit.testing.order import simulate
    from cnbkit.testing.result import Result
    from cnbkit.testing.result_layer import ResultLayer
    from cnbkit.testing.verdict import Candidate, Provision, Verdict

_HOME = {
    "Answer": "commands",
    "BuildpackRun": "harness",
    "Call": "commands",
    "Candidate": "verdict",
    "DetectGroup": "group",
    "DetectedGroup": "group",
    "Entry": "cnbkit.spec.build_plan",
    "FakeCommands": "commands",
    "Provision": "verdict",
    "Result": "result",
    "ResultLayer": "result_layer",
    "Verdict": "verdict",
    "restore": "_restore",
    "simulate": "order",
}

__all__ = [
    "Answer",
    "BuildpackRun",
    "Call",
    "Candidate",
    "DetectGroup",
    "DetectedGroup",
    "Entry",
    "FakeCommands",
    "Provision",
    "Result",
    "ResultLayer",
    "Verdict",
    "restore",
    "simulate",
]


def __getattr__(name: str) -> object:
    """Import an exported name when it is first asked for: the plugin loads in every session."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    home = _HOME[name]
    value = getattr(import_module(home if "." in home else f"{__name__}.{home}"), name)
    globals()[name] = value
    return value

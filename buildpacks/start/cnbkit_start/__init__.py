"""What the image starts: what the app says, else what its packages and files tell."""

from __future__ import annotations

import os

from cnbkit import Buildpack, Layer, LayerKey, Plan, Triggers, key
from cnbkit_misspelt import MISSPELT
from cnbkit_start.choice import Choice
from cnbkit_start.config import ENTRYPOINT, PROCFILE, Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import BuildContext, BuildResult, DetectContext, DetectResult
    from cnbkit_start.check.image import Image
    from cnbkit_start.chosen import Chosen
    from cnbkit_start.process import Found

__all__ = ["Start"]

# Files that make other buildpacks build the app; it then needs a process.
PROJECT = (
    "requirements.txt",
    "requirements.in",
    "pylock.toml",
    "pyproject.toml",
    "setup.py",
    "Pipfile",
    "Pipfile.lock",
    "poetry.lock",
    "uv.lock",
    "pdm.lock",
    "environment.yml",
    "environment.yaml",
    "conda-lock.yml",
    "pixi.lock",
    *MISSPELT,
)
# They start WEB_CONCURRENCY processes by themselves. Others may not bear the variable: a script
# that calls `uvicorn.run(app)` ends with an error if it asks for more than one.
_SERVERS = ("gunicorn", "uvicorn", "hypercorn", "granian")


class AtLaunch(LayerKey, version=2):
    """What the layer with launch programs depends on."""

    processes: list[str] = key("processes")
    programs: list[str] = key("launch programs")


class Start(Buildpack["Chosen"]):
    """Gives the image its processes, one of them the default, and always a `web`.

    Attributes:
        system: where the build image's own files are; tests have them elsewhere.
    """

    repeatable = True
    triggers = Triggers(
        *(PROCFILE, "app.py", "main.py", ENTRYPOINT, "train.py", "streamlit_app.py"),
        *PROJECT,
        settings=("BP_ENTRYPOINT_FILE", "BP_PYTHON_INPUT"),
    )
    config = Options
    folder = "BP_PYTHON_FOLDER"
    system = ""

    # Python where a buildpack of the group brings it; else the run image may have it, or nothing
    # here needs it.
    plan = Plan().requires("python", launch=True) | Plan()

    # Programs that set $PORT and other variables, and look at the container's limits.
    limits = Layer.launch("limits")
    # Programs and modules of all layers, also of those that only the previous image holds
    # (store.toml has them for machines without this cache).
    known = Layer.cached("known")

    def detect(self, ctx: DetectContext) -> DetectResult:
        """Join, unless it is plain to see that the image could not start."""
        found = super().detect(ctx)
        if found.joins:
            from cnbkit_start.check import check_early

            options = Options.read(ctx.settings)
            # Here, because packages are installed before `build`: gigabytes, for nothing.
            choice = check_early(ctx, options)
            for note in choice.notes if choice else ():
                ctx.log.info(note)
            if ctx.app.has("manage.py"):
                from cnbkit_start.static_files import collects

                if collects(ctx, options):
                    return ctx.join(found.reason, _with_packages())
        return found

    def decide(self, ctx: BuildContext) -> Chosen:
        """Read the processes, choose the default, say where each came from."""
        from cnbkit import BuildResult, UserFault
        from cnbkit_start.check import check_planned, may_be_told_later
        from cnbkit_start.chosen import Chosen  # not for detect
        from cnbkit_start.large import large_files, pattern_of

        options = Options.read(ctx.settings)
        try:
            choice = Choice(ctx, options)
        except UserFault:
            if ctx.dry and may_be_told_later(ctx):
                return Chosen(rest="what starts, for which the packages have to be there")
            raise
        for note in choice.notes:
            ctx.log.info(note)
        for warning in {each.warning: None for each in choice.processes.values()}:
            if warning:
                ctx.log.warning(warning)
        large = large_files(ctx.app.top)
        folder = ctx.app.root.removeprefix(ctx.app.top).lstrip("/")
        result = BuildResult(
            *(
                each.process(type, default=type == choice.default, folder=folder)
                for type, each in choice.processes.items()
            ),
            slices=[[pattern_of(path)] for path in large],
        )
        # With those left out: an image of another process then has this layer in common.
        programs = _programs({**choice.every, **choice.processes}) if choice.processes else {}
        at_launch = _at_launch(programs) if programs else None
        decision = Chosen(
            result, choice=choice, programs=programs, at_launch=at_launch, large=large
        )
        decision.layer(self.known)
        if at_launch:
            decision.layer(self.limits, at_launch)
        if ctx.dry:
            check_planned(ctx, choice, options)
        return decision

    def contribute(self, ctx: BuildContext, decision: Chosen) -> BuildResult:
        """Judge the processes by what is installed, and write what they start with."""
        from cnbkit_start.check import check

        options, choice = Options.read(ctx.settings), decision.choice
        _close_folder(ctx.app.top)
        check(ctx, choice, self._image(ctx, decision.result), options)
        if ctx.app.has("manage.py"):
            from cnbkit_start.static_files import collect, collects

            if collects(ctx, options):
                collect(ctx)
        if decision.at_launch:
            with ctx.layer(self.limits, decision.at_launch) as layer:
                if layer.rebuild:
                    layer.exec_d("environment", _launch("environment"))
                    for type, name in decision.programs.items():
                        layer.exec_d(name, _launch("limits"), process=type)
        if decision.large:
            named = ", ".join(decision.large)
            ctx.log.info(f"{named}: in layers of their own, because they are large")
        return decision.result

    def _image(self, ctx: BuildContext, result: BuildResult) -> Image:
        """What the image has, remembered for the next build."""
        from cnbkit_start.check.image import Image

        with ctx.layer(self.known) as layer:
            path = f"{layer.directory}/layers.txt"
            before = ""
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    before = file.read()
            image = Image(ctx, before, self.system)
            if image.unknown:
                from cnbkit_kept_text import unpacked

                stored = unpacked(ctx.store.get("known")).decode("utf-8", "replace")
                image = Image(ctx, f"{before}\n{stored}", self.system)
            if image.text != before:
                with open(path, "w", encoding="utf-8") as file:
                    file.write(image.text)
        if image.text != before or not os.path.exists(f"{os.path.dirname(ctx.scratch)}/store.toml"):
            from cnbkit_kept_text import packed

            result.store = {"known": packed(image.text.encode())}
        return image


def _close_folder(app: str) -> None:
    """Let the app's folder have one mode: with pack everybody may write, else its umask decides."""
    from contextlib import suppress  # not for detect

    with suppress(OSError):  # somebody else's
        os.chmod(app, 0o755)


def _at_launch(programs: dict[str, str]) -> AtLaunch:
    import hashlib

    digests = []
    for program in ("environment", "limits"):
        with open(_launch(program), "rb") as file:
            digests.append(f"{program} #{hashlib.sha256(file.read()).hexdigest()}")
    return AtLaunch(
        processes=sorted(f"{type} ({name})" for type, name in programs.items()),
        programs=digests,
    )


def _programs(found: dict[str, Found]) -> dict[str, str]:
    return {type: "workers" if _serves(each) else "threads" for type, each in found.items()}


def _with_packages() -> Plan:
    """The plan of an app whose code runs in the build: its packages have to be there then."""
    python = Plan().requires("python", launch=True)
    return python.requires("site-packages", build=True) | Start.plan


def _launch(program: str) -> str:
    # Beside this package; `ctx.buildpack_dir` would import pathlib.
    return os.path.join(os.path.dirname(os.path.dirname(__file__)), "launch", program)


def _serves(process: Found) -> bool:
    text = " ".join([*process.command, *process.args])
    return any(server in text for server in _SERVERS)

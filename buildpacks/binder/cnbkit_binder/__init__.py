"""The `binder` buildpack: what repo2docker reads, told to the buildpacks that do it here.

It stands first. Each file is handed to the buildpack whose subject it is by that one's own
variable, with the lowest precedence: whoever builds may still say otherwise.
"""

from __future__ import annotations

import os

from cnbkit import Buildpack, Config, Layer, Option, Plan, Triggers
from cnbkit_binder.places import Places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import BuildContext, BuildResult, Decision, DetectContext, DetectResult

__all__ = ["Binder"]

# By these whoever builds says what to install.
_INPUTS = ("BP_PYTHON_INPUT", "BP_PYTHON_FOLDER", "BP_CONDA_INPUT")


class BinderOptions(Config):
    """What may be set."""

    binder = Option.choice(
        "BP_BINDER",
        "auto",
        "true",
        "false",
        help="Whether the repository is built as Binder would; `auto` does if nothing else starts",
    )


class Binder(Buildpack["Decision"]):
    """Builds a repository as Binder would."""

    repeatable = True
    triggers = Triggers(
        *("binder/*", ".binder/*", "postBuild", "start", "apt.txt"), settings=("BP_BINDER",)
    )
    config = BinderOptions

    # What later buildpacks are told. Made anew each time: it is a few variables.
    told = Layer.for_build("told")
    # What the image starts with, and where the repository is.
    entry = Layer.launch("entry")

    def detect(self, ctx: DetectContext) -> DetectResult:
        """Join for a repository that is Binder's, unless it is also an app."""
        wanted = BinderOptions.read(ctx.settings).binder
        if wanted == "false":
            return ctx.skip("BP_BINDER is false")
        places = Places(ctx.app)
        if wanted == "auto":
            if not places.is_binders:
                return ctx.skip("no folder binder, and no notebook beside apt.txt")
            if app := places.app:
                return ctx.skip(f"{app} says what starts; BP_BINDER=true builds for Binder")
        # What they build with is theirs to require: of this one, because it stands before them.
        plan = Plan().provides("binder").requires("binder")
        if places.environment:
            plan = plan.provides("binder-conda")
        if places.packages:
            plan = plan.provides("binder-apt")
        return ctx.join(places.reason, plan)

    def decide(self, ctx: BuildContext) -> Decision:
        """Tell the others, and start Jupyter."""
        from cnbkit import BuildResult, Decision, Process
        from cnbkit_binder.inputs import variables

        web = Process(type="web", command=["binder-start"], default=True)
        decision = Decision(BuildResult(web))
        places = Places(ctx.app)
        if not any(ctx.settings.get(name) for name in _INPUTS):
            if fault := places.fault:
                raise fault
            if places.unread and places.requirements:
                ctx.log.warning(
                    f"{places.unread} is not read: the packages are those of {places.requirements}"
                )
        for name, (value, why) in variables(ctx, places).items():
            decision.env.build.default(name, value)
            ctx.log.info(f"{why} ({name})")
        decision.layer(self.told)
        decision.layer(self.entry)
        if places.start:
            ctx.log.info(f"{places.start} runs before what starts")
        ctx.log.info("web: JupyterLab, or what is named instead")
        return decision

    def contribute(self, ctx: BuildContext, decision: Decision) -> BuildResult:
        """Write what is told, and the program that starts."""
        places = Places(ctx.app)
        with ctx.layer(self.told) as told:
            told.env = decision.env
        for script in (places.post_build, places.start):
            if script:
                # As repo2docker: many are committed without their executable bit.
                os.chmod(f"{ctx.app.root}/{script}", 0o755)
        with ctx.layer(self.entry) as entry:
            if entry.rebuild:
                program = f"{entry.directory}/bin/binder-start"
                os.makedirs(os.path.dirname(program))
                with open(_program(), "rb") as source, open(program, "wb") as target:
                    target.write(source.read())
                os.chmod(program, 0o755)
            entry.env.launch.override("REPO_DIR", ctx.app.root)
            entry.env.launch.override("BINDER_START", places.start)
            entry.env.launch.default("SHELL", "/bin/bash")
        return decision.result


def _program() -> str:
    # Beside this package; `ctx.buildpack_dir` would import pathlib.
    return os.path.join(os.path.dirname(os.path.dirname(__file__)), "launch", "binder-start")

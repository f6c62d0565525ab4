"""The buildpacks `pre-build` and `post-build`: the team's own code within a build.

Two buildpacks of one source, because the lifecycle runs each once in a group. They differ in
name and place.
"""

from __future__ import annotations

from cnbkit import (
    BuildContext,
    Buildpack,
    BuildResult,
    Config,
    Decision,
    Layer,
    LayerKey,
    Option,
    Plan,
    PythonBuild,
    Triggers,
    key,
)
from cnbkit_hooks.hook import Hook

__all__ = ["PostBuild", "PreBuild"]

_BINDER = "postBuild"  # repo2docker's script


class PreBuildOptions(Config):
    """What people may set for the first of them."""

    script = Option.text("BP_PRE_BUILD", default=".cnbkit/pre-build", help="File of the app to run")
    hooks = Option.choice("BP_HOOKS", "allow", "deny", help="Whether apps may have hooks at all")


class PostBuildOptions(Config):
    """What people may set for the second."""

    script = Option.text(
        "BP_POST_BUILD", default=".cnbkit/post-build", help="File of the app to run"
    )
    hooks = Option.choice("BP_HOOKS", "allow", "deny", help="Whether apps may have hooks at all")


class Inputs(LayerKey):
    """What a hook's outputs depend on."""

    script: str = key("the script")
    inputs: list[str] = key("inputs")
    env: list[str] = key("variables")
    python: str = key("Python")
    packages: str = key("packages")
    target: str = key("target")


class Script(Decision):
    """What runs.

    Attributes:
        hook: the script and what it declares; None if nothing runs.
    """

    def __init__(self, hook: Hook | None = None, *, rest: str = "") -> None:
        super().__init__(rest=rest)
        self.hook = hook


class _Hooks(Buildpack[Script]):
    # What a hook has made, for a build in which nothing that it depends on has changed. Not for
    # the image: its files are the app's.
    outputs = Layer.cached("outputs")

    def decide(self, ctx: BuildContext) -> Script:
        """Which script runs, if apps may have any."""
        options = self._options(ctx)
        from cnbkit_hooks.permission import check_allowed

        script = self._script(ctx, options.script)
        if not script:
            ctx.log.info("Nothing to run: what Binder's folder has is for a build with BP_BINDER")
            return Script()
        check_allowed(ctx, script, options.hooks)
        binder = script.rpartition("/")[2] == _BINDER
        hook = Hook.read(
            ctx,
            script,
            executable=self._becomes_executable(ctx, script),
            # As Docker's `RUN` does, by which repo2docker starts it.
            shell=binder,
        )
        if ctx.dry:
            made = f": {', '.join(hook.outputs)}" if hook.outputs else ""
            return Script(hook, rest=f"what {hook.script} makes{made}")
        return Script(hook)

    def contribute(self, ctx: BuildContext, decision: Script) -> BuildResult:
        """Run the script, or put in place what it made last time."""
        hook = decision.hook
        if hook is None:
            return decision.result
        self.repeatable = bool(hook.outputs)
        if not hook.outputs:
            from cnbkit_hooks.run import run

            ctx.log.info(f"Running {hook.script}: it declares no outputs, so it runs every time")
            run(ctx, hook)
            return BuildResult()
        told = PythonBuild.read(ctx)
        wanted = Inputs(
            script=hook.digest,
            inputs=hook.input_digests(),
            env=hook.env_texts(),
            python=f"{told.python_version} {told.python}".strip(),
            packages=hook.packages(told),
            target=str(ctx.target),
        )
        with ctx.layer(self.outputs, wanted) as layer:
            if layer.rebuild:
                from cnbkit_hooks.run import keep, run

                ctx.log.info(f"Running {hook.script}: {'; '.join(layer.why)}")
                run(ctx, hook)
                keep(hook, layer.directory)
            else:
                from cnbkit_hooks.files import restore

                restore(layer.directory, ctx.app.root)
                made = ", ".join(hook.outputs)
                ctx.log.info(f"{hook.script} unchanged: {made} as it made them last time")
        return BuildResult()

    def _options(self, ctx: BuildContext) -> PreBuildOptions | PostBuildOptions:
        raise NotImplementedError

    def _script(self, ctx: BuildContext, script: str) -> str:  # noqa: ARG002 - for derived classes
        return script

    def _becomes_executable(self, ctx: BuildContext, script: str) -> bool:  # noqa: ARG002
        return False


class PreBuild(_Hooks):
    """Before Python and its packages are there."""

    triggers = Triggers(".cnbkit/pre-build", settings=("BP_PRE_BUILD",))
    config = PreBuildOptions

    def _options(self, ctx: BuildContext) -> PreBuildOptions:
        return PreBuildOptions.read(ctx.settings)


class PostBuild(_Hooks):
    """After packages are installed."""

    # The last three are repo2docker's. Where they are in a folder, `binder` says so.
    triggers = Triggers(
        ".cnbkit/post-build",
        *(_BINDER, f"binder/{_BINDER}", f".binder/{_BINDER}"),
        settings=("BP_POST_BUILD",),
    )
    # The packages' files in this build, and not only in the image. Provided by itself as well, so
    # that it takes part where nobody installs any.
    plan = Plan().provides("site-packages").requires("site-packages", build=True)
    config = PostBuildOptions

    def _options(self, ctx: BuildContext) -> PostBuildOptions:
        return PostBuildOptions.read(ctx.settings)

    def _script(self, ctx: BuildContext, script: str) -> str:
        if script != PostBuildOptions.script.default or ctx.app.has(script):
            return script
        return _BINDER if ctx.app.has(_BINDER) else ""

    def _becomes_executable(self, ctx: BuildContext, script: str) -> bool:
        # The buildpack `binder` does it in a build; a dry run changes nothing.
        return ctx.dry and script.rpartition("/")[2] == _BINDER
